-- How a partner is called: where, with which certificate, signed by which secret. One row a partner.
create table outbound (
    partner_id bigint not null,
    base_url text,
    trusted_ca text,
    certificate text,
    key bytea,
    pending_key bytea,
    pending_name text,
    secret bytea not null,
    previous_secret bytea,
    previous_until timestamptz,
    notifications text not null,
    changed_at timestamptz not null,
    constraint outbound_pk primary key (partner_id)
);

-- What a partner is still to be told, and was told. `next_at` is real time: when it may be tried, null
-- while it waits behind an earlier one of its stream, or is closed. `attempts_before` were made before
-- it was resumed last.
create table outbox (
    partner_id bigint not null,
    number bigint not null,
    id uuid not null,
    stream text not null,
    event text not null,
    card_id bigint,
    message_id uuid,
    detail jsonb,
    request_id text not null,
    created_at timestamptz not null,
    next_at timestamptz,
    claimed_by uuid,
    claimed_until timestamptz,
    attempts bigint not null,
    attempts_before bigint not null,
    outcome text,
    closed_at timestamptz,
    constraint outbox_pk primary key (partner_id, number)
);
create index outbox_due on outbox (partner_id, next_at, number) where next_at is not null;
create index outbox_open on outbox (partner_id, stream, number) where closed_at is null;
create index outbox_paused on outbox (partner_id, number) where outcome = 'PAUSED';
create index outbox_delivered on outbox (partner_id, closed_at) where outcome = 'DELIVERED';

-- Each try to deliver.
create table attempt (
    partner_id bigint not null,
    outbox_number bigint not null,
    attempt bigint not null,
    at timestamptz not null,
    duration_ms bigint not null,
    status bigint,
    error text,
    answer_bytes bigint,
    answer text,
    constraint attempt_pk primary key (partner_id, outbox_number, attempt)
);

-- A notification's address at a partner: since when it fails, when it did last, and
-- since when nothing is sent to it.
create table endpoint (
    partner_id bigint not null,
    event text not null,
    failing_since timestamptz,
    failed_at timestamptz,
    paused_at timestamptz,
    reason text,
    constraint endpoint_pk primary key (partner_id, event)
);
