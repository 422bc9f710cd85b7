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
