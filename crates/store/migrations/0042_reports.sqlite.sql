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
-- Transactions that somebody has asked for as a file, and its parts: each node writes and reads them, and
-- a file of one node's would be none of the others'.
create table export (
    partner_id integer not null,
    id blob not null,
    account_id blob not null,
    asked text not null,
    state text not null,
    row_count integer not null,
    byte_count integer not null,
    chunk_count integer not null,
    place text,
    is_cut integer not null,
    reason text,
    attempts integer not null,
    claimed_by blob,
    claimed_until integer,
    created_at integer not null,
    touched_at integer not null,
    finished_at integer,
    expires_at integer,
    removed_at integer,
    primary key (partner_id, id)
) strict;
create table export_chunk (
    partner_id integer not null,
    export_id blob not null,
    number integer not null,
    content blob not null,
    primary key (partner_id, export_id, number)
) strict;
