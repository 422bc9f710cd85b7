-- Where a locked user stood before.
alter table "user" add column state_before text;
