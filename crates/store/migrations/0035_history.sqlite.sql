-- What partners add to the history of transactions, which is a view of "transaction": comments, labels
-- and names of their own, and records of their own, of which alone client_id tells.
create table history_record (
    partner_id integer not null,
    number integer not null,
    owner_id integer,
    client_id text,
    kind text,
    card_id integer,
    balance_id blob,
    status text,
    amount integer,
    currency text,
    at integer,
    description text,
    merchant_name text,
    merchant_postal_code text,
    merchant_transaction_id text,
    country text,
    channel text,
    mcc text,
    original_amount integer,
    original_currency text,
    exchange_rate text,
    commission integer,
    cleared_at integer,
    iban text,
    bic text,
    contrahent text,
    comment text,
    labels text not null,
    user_external_id text,
    external_card_id text,
    external_device_id text,
    created_at integer not null,
    changed_at integer not null,
    primary key (partner_id, number)
) strict;
create unique index history_record_client on history_record (partner_id, client_id, kind)
    where client_id is not null;
create index history_record_own on history_record (partner_id, number) where client_id is not null;
create index history_record_owner on history_record (partner_id, owner_id, number);

-- A record of the history is found by its number, and its reversal's own name in the network.
create unique index transaction_history on "transaction" (partner_id, number);
create index message_reversal on message (partner_id, transaction_id) where kind = 'reversal';
