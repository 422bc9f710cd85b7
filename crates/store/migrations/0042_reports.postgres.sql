-- When each card was issued and first paid with, in the partner's days, and how many of a program's were so
-- soon: a worker walks through cards and transactions once, since to look for a card's first payment each
-- time somebody asks would read them all.
create index card_created on card (partner_id, created_at, id);
create table card_use (
    partner_id bigint not null,
    card_id bigint not null,
    config_id text not null,
    issued_on text not null,
    used_on text,
    constraint card_use_pk primary key (partner_id, card_id)
);
create table card_use_day (
    partner_id bigint not null,
    issued_on text not null,
    config_id text not null,
    issued bigint not null,
    used_1 bigint not null,
    used_2 bigint not null,
    used_5 bigint not null,
    used_15 bigint not null,
    used_30 bigint not null,
    constraint card_use_day_pk primary key (partner_id, issued_on, config_id)
);
-- Up to which card and which transaction it was counted. Who counts raises the step that was read, or has
-- counted nothing.
create table card_use_tally (
    partner_id bigint not null,
    step bigint not null,
    card_at timestamptz not null,
    card_id bigint not null,
    transaction_id uuid not null,
    counted_to timestamptz not null,
    constraint card_use_tally_pk primary key (partner_id)
);
-- Transactions that somebody has asked for as a file, and its parts: each node writes and reads them, and
-- a file of one node's would be none of the others'.
create table export (
    partner_id bigint not null,
    id uuid not null,
    account_id uuid not null,
    asked jsonb not null,
    state text not null,
    row_count bigint not null,
    byte_count bigint not null,
    chunk_count bigint not null,
    place text,
    is_cut boolean not null,
    reason text,
    attempts bigint not null,
    claimed_by uuid,
    claimed_until timestamptz,
    created_at timestamptz not null,
    touched_at timestamptz not null,
    finished_at timestamptz,
    expires_at timestamptz,
    removed_at timestamptz,
    constraint export_pk primary key (partner_id, id)
);
create table export_chunk (
    partner_id bigint not null,
    export_id uuid not null,
    number bigint not null,
    content bytea not null,
    constraint export_chunk_pk primary key (partner_id, export_id, number)
);
