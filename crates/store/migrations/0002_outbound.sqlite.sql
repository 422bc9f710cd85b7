-- How a partner is called: where, with which certificate, signed by which secret. One row a partner.
create table outbound (
    partner_id integer not null,
    base_url text,
    trusted_ca text,
    certificate text,
    key blob,
    pending_key blob,
    pending_name text,
    secret blob not null,
    previous_secret blob,
    previous_until integer,
    notifications text not null,
    changed_at integer not null,
    primary key (partner_id)
) strict, without rowid;

-- What a partner is still to be told, and was told. `next_at` is real time: when it may be tried, null
-- while it waits behind an earlier one of its stream, or is closed. `attempts_before` were made before
-- it was resumed last.
create table outbox (
    partner_id integer not null,
    number integer not null,
    id blob not null,
    stream text not null,
    event text not null,
    card_id integer,
    message_id blob,
    detail text,
    request_id text not null,
    created_at integer not null,
    next_at integer,
    claimed_by blob,
    claimed_until integer,
    attempts integer not null,
    attempts_before integer not null,
    outcome text,
    closed_at integer,
    primary key (partner_id, number)
) strict, without rowid;
create index outbox_due on outbox (partner_id, next_at, number) where next_at is not null;
create index outbox_open on outbox (partner_id, stream, number) where closed_at is null;
create index outbox_paused on outbox (partner_id, number) where outcome = 'PAUSED';
create index outbox_delivered on outbox (partner_id, closed_at) where outcome = 'DELIVERED';

-- Each try to deliver.
create table attempt (
    partner_id integer not null,
    outbox_number integer not null,
    attempt integer not null,
    at integer not null,
    duration_ms integer not null,
    status integer,
    error text,
    answer_bytes integer,
    answer text,
    primary key (partner_id, outbox_number, attempt)
) strict, without rowid;

-- A notification's address at a partner: since when it fails, when it did last, and
-- since when nothing is sent to it.
create table endpoint (
    partner_id integer not null,
    event text not null,
    failing_since integer,
    failed_at integer,
    paused_at integer,
    reason text,
    primary key (partner_id, event)
) strict, without rowid;
