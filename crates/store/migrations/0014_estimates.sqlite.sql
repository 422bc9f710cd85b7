-- Whether a hold was an estimate: its increments last as long as it. Of what is held already it
-- isn't known; such a hold lasts as long as it was to, and an increment's own days.
alter table "transaction" add column pre_authorization integer not null default 0;
