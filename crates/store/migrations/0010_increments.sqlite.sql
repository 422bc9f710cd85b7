-- How much of an increment its own reversals have taken off the hold that it raised.
alter table message add column reversed_amount integer not null default 0;
