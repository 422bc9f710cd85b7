-- When each card was issued and first paid with, in the partner's days, and how many of a program's were so
-- soon: a worker walks through cards and transactions once, since to look for a card's first payment each
-- time somebody asks would read them all.
create index card_created on card (partner_id, created_at, id);
create table card_use (
    partner_id integer not null,
    card_id integer not null,
    config_id text not null,
    issued_on text not null,
    used_on text,
    primary key (partner_id, card_id)
) strict, without rowid;
create table card_use_day (
    partner_id integer not null,
    issued_on text not null,
    config_id text not null,
    issued integer not null,
    used_1 integer not null,
    used_2 integer not null,
    used_5 integer not null,
    used_15 integer not null,
    used_30 integer not null,
    primary key (partner_id, issued_on, config_id)
) strict, without rowid;
-- Up to which card and which transaction it was counted. Who counts raises the step that was read, or has
-- counted nothing.
create table card_use_tally (
    partner_id integer not null,
    step integer not null,
    card_at integer not null,
    card_id integer not null,
    transaction_id blob not null,
    counted_to integer not null,
    primary key (partner_id)
) strict, without rowid;
