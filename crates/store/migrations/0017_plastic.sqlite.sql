-- Who makes plastic: a folder that batches are put into and reports are taken from, and the public
-- key that numbers and PINs are encrypted for, in PEM.
create table bureau (
    name text not null,
    folder text not null,
    public_key text not null,
    created_at integer not null,
    primary key (name)
) strict, without rowid;
alter table program add column bureau text;
alter table program add column chip_profile text;

-- Further BINs of a program, with commas between, used in their order when those before are full.
alter table program add column more_bins text not null default '';

-- Wrong tries to activate a card in a row.
alter table card add column activation_tries integer not null default 0;

-- Plastic that was ordered. A chosen PIN is here, sealed, until the order leaves with its batch.
create table card_order (
    partner_id integer not null,
    id blob not null,
    user_id integer not null,
    card_id integer not null,
    config_id text not null,
    kind text not null,
    status text not null,
    failure text,
    delivery text not null,
    address text not null,
    line text not null,
    pin blob,
    bureau text,
    batch text,
    tracking_number text,
    created_at integer not null,
    sent_at integer,
    changed_at integer not null,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create index card_order_waiting on card_order (partner_id, config_id, created_at)
    where status = 'ORDERED';
create index card_order_sent on card_order (partner_id, sent_at) where status = 'SENT_TO_BUREAU';
create index card_order_card on card_order (partner_id, card_id);
