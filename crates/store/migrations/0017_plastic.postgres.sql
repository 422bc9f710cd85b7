-- Who makes plastic: a folder that batches are put into and reports are taken from, and the public
-- key that numbers and PINs are encrypted for, in PEM.
create table bureau (
    name text not null,
    folder text not null,
    public_key text not null,
    created_at timestamptz not null,
    constraint bureau_pk primary key (name)
);
alter table program add column bureau text;
alter table program add column chip_profile text;

-- Further BINs of a program, with commas between, used in their order when those before are full.
alter table program add column more_bins text not null default '';

-- Wrong tries to activate a card in a row.
alter table card add column activation_tries bigint not null default 0;

-- Plastic that was ordered. A chosen PIN is here, sealed, until the order leaves with its batch.
create table card_order (
    partner_id bigint not null,
    id uuid not null,
    user_id bigint not null,
    card_id bigint not null,
    config_id text not null,
    kind text not null,
    status text not null,
    failure text,
    delivery text not null,
    address jsonb not null,
    line text not null,
    pin bytea,
    bureau text,
    batch text,
    tracking_number text,
    created_at timestamptz not null,
    sent_at timestamptz,
    changed_at timestamptz not null,
    version bigint not null,
    constraint card_order_pk primary key (partner_id, id)
);
create index card_order_waiting on card_order (partner_id, config_id, created_at)
    where status = 'ORDERED';
create index card_order_sent on card_order (partner_id, sent_at) where status = 'SENT_TO_BUREAU';
create index card_order_card on card_order (partner_id, card_id);
