-- Who holds the money of a balance: we do, or the partner. It never changes.
alter table balance add column mode text not null default 'INTERNAL';
-- What is to be done about its link to the partner's books (real time): when a worker looks at it next, by
-- when whoever calls the partner now must have been answered, and since when it is a worker's to make or to
-- undo it. All are null where nothing is to be done.
alter table balance add column link_at timestamptz;
alter table balance add column link_until timestamptz;
alter table balance add column link_since timestamptz;
create index balance_link on balance (partner_id, link_at) where link_at is not null;
-- Whether the partner owns the range of numbers that its cards have.
alter table partner add column own_bin boolean not null default false;
-- What was given up of a stream keeps back what refers to it.
create index outbox_parked on outbox (partner_id, stream, number) where outcome = 'FAILED';
-- How much of a card a day is approved without the partner where it doesn't answer, in minor units; null: none.
alter table partner add column stand_in bigint;
create index transaction_stand_in on "transaction" (partner_id, card_id, counted_on)
    where decided_by = 'STAND_IN';
