-- What this instance is, and the version of its settings (partners, programs, certificates).
create table instance (
    id bigint not null,
    kind text not null,
    settings_version bigint not null,
    created_at timestamptz not null,
    constraint instance_pk primary key (id)
);

-- The next free number of a series. Blocks are taken from it, so numbers may be left out.
create table counter (
    partner_id bigint not null,
    name text not null,
    next bigint not null,
    constraint counter_pk primary key (partner_id, name)
) with (fillfactor = 50);

create table partner (
    id bigint not null,
    code text not null,
    name text not null,
    state text not null,
    balance_mode text not null,
    authorization_mode text not null,
    collateral_mode text not null,
    kyc_mode text not null,
    description_codes text not null,
    time_zone text not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint partner_pk primary key (id)
);
create unique index partner_code on partner (code);

-- Partner keys, wrapped by the master key.
create table data_key (
    partner_id bigint not null,
    wrapped bytea not null,
    created_at timestamptz not null,
    constraint data_key_pk primary key (partner_id)
);

-- Card verification keys and the key of the number permutation, sealed; one of each per BIN.
create table card_key (
    partner_id bigint not null,
    bin text not null,
    purpose text not null,
    generation bigint not null,
    sealed bytea not null,
    created_at timestamptz not null,
    constraint card_key_pk primary key (partner_id, bin, purpose, generation)
);

create table processor (
    id bigint not null,
    name text not null,
    time_budget_ms bigint not null,
    created_at timestamptz not null,
    constraint processor_pk primary key (id)
);
create unique index processor_name on processor (name);

create table program (
    partner_id bigint not null,
    config_id text not null,
    card_type text not null,
    digital_first boolean not null,
    currency text not null,
    scheme text not null,
    product text not null,
    audience text not null,
    processor_id bigint not null,
    bin text not null,
    lifetime_months bigint not null,
    card_cap bigint not null,
    hold_days bigint not null,
    state text not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint program_pk primary key (partner_id, config_id)
);

-- A BIN belongs to one partner.
create table bin_range (
    bin text not null,
    partner_id bigint not null,
    constraint bin_range_pk primary key (bin)
);

-- Client certificates; identity is the fingerprint (SHA-256 of the DER).
create table certificate (
    fingerprint bytea not null,
    partner_id bigint,
    processor_id bigint,
    scopes text not null,
    common_name text not null,
    serial text not null,
    not_before timestamptz not null,
    not_after timestamptz not null,
    revoked_at timestamptz,
    created_at timestamptz not null,
    constraint certificate_pk primary key (fingerprint)
);

create table "user" (
    partner_id bigint not null,
    id bigint not null,
    first_name text not null,
    last_name text not null,
    phone text not null,
    phone_digits text not null,
    email text not null,
    email_folded text not null,
    birth_date text not null,
    external_id text,
    address jsonb,
    state text not null,
    kyc text not null,
    created_at timestamptz not null,
    deleted_at timestamptz,
    version bigint not null,
    constraint user_pk primary key (partner_id, id)
);
create unique index user_email on "user" (partner_id, email_folded) where deleted_at is null;
create unique index user_phone on "user" (partner_id, phone_digits) where deleted_at is null;
create index user_external_id on "user" (partner_id, external_id);

-- KYC forms; what they say is sealed.
create table verification (
    partner_id bigint not null,
    id uuid not null,
    user_id bigint not null,
    status text not null,
    findings text not null,
    form bytea not null,
    created_at timestamptz not null,
    constraint verification_pk primary key (partner_id, id)
);
create index verification_user on verification (partner_id, user_id);

create table verification_image (
    partner_id bigint not null,
    verification_id uuid not null,
    kind text not null,
    media_type text not null,
    image bytea not null,
    constraint verification_image_pk primary key (partner_id, verification_id, kind)
);

-- `version` guards: the balance's row lock orders all that happens to it, its cards and its transactions.
create table balance (
    partner_id bigint not null,
    id uuid not null,
    user_id bigint not null,
    currency text not null,
    state text not null,
    posted bigint not null,
    held bigint not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint balance_pk primary key (partner_id, id)
) with (fillfactor = 50);
create index balance_user on balance (partner_id, user_id);

create table card (
    partner_id bigint not null,
    id bigint not null,
    resource_id uuid not null,
    balance_id uuid not null,
    user_id bigint not null,
    config_id text not null,
    card_type text not null,
    state text not null,
    lock_reason text,
    locked_at timestamptz,
    removed_at timestamptz,
    pan bytea not null,
    pan_index bytea not null,
    last_four text not null,
    expiry text not null,
    cvc_generation bigint not null,
    label text,
    created_at timestamptz not null,
    version bigint not null,
    constraint card_pk primary key (partner_id, id)
);
create unique index card_pan on card (partner_id, pan_index);
create index card_user on card (partner_id, user_id, id);
create index card_balance on card (partner_id, balance_id);

create table "transaction" (
    partner_id bigint not null,
    id uuid not null,
    number bigint not null,
    balance_id uuid,
    card_id bigint,
    processor_id bigint,
    network_id text not null,
    network_date timestamptz not null,
    reference_id text,
    reference_date timestamptz,
    kind text not null,
    category text not null,
    amount bigint not null,
    currency text not null,
    original_amount bigint,
    original_currency text,
    conversion_rate text,
    text text not null,
    data jsonb,
    mcc text,
    retrieval_reference text,
    status text not null,
    processing text not null,
    description text not null,
    held bigint not null,
    cleared bigint not null,
    parts bigint not null,
    balance_before bigint,
    balance_after bigint,
    authorization_code text,
    flag text,
    expires_at timestamptz,
    received_at timestamptz not null,
    changed_at timestamptz not null,
    version bigint not null,
    constraint transaction_pk primary key (partner_id, id)
);
create index transaction_network on "transaction" (partner_id, card_id, network_id);
create unique index transaction_number on "transaction" (partner_id, balance_id, number);
create index transaction_expiry on "transaction" (partner_id, expires_at) where expires_at is not null;

-- What was decided about a message; its answer is a function of this row.
create table message (
    partner_id bigint not null,
    id uuid not null,
    scope text not null,
    idempotency_key text,
    network_key text,
    fingerprint bytea not null,
    kind text not null,
    transaction_id uuid not null,
    amount bigint not null,
    currency text not null,
    processing text not null,
    description text not null,
    action_code text not null,
    status text not null,
    approved_amount bigint not null,
    authorization_code text,
    told boolean not null,
    request_id text not null,
    created_at timestamptz not null,
    constraint message_pk primary key (partner_id, id)
);
create unique index message_key on message (partner_id, scope, idempotency_key) where idempotency_key is not null;
create unique index message_network on message (partner_id, network_key) where network_key is not null;

-- Posted money: the legs of each part of a transaction.
create table movement (
    partner_id bigint not null,
    transaction_id uuid not null,
    part bigint not null,
    leg bigint not null,
    from_account text not null,
    from_balance_id uuid,
    to_account text not null,
    to_balance_id uuid,
    amount bigint not null,
    currency text not null,
    posted_at timestamptz not null,
    constraint movement_pk primary key (partner_id, transaction_id, part, leg)
);

-- A reversal that came before what it reverses, and waits for it.
create table early_reversal (
    partner_id bigint not null,
    card_id bigint not null,
    reference_id text not null,
    reference_date timestamptz not null,
    expires_at timestamptz not null,
    constraint early_reversal_pk primary key (partner_id, card_id, reference_id, reference_date)
);

-- Answers of decided commands outside the engine, sealed.
create table idempotency (
    partner_id bigint not null,
    endpoint text not null,
    key text not null,
    fingerprint bytea not null,
    answer bytea not null,
    created_at timestamptz not null,
    constraint idempotency_pk primary key (partner_id, endpoint, key)
);

create table audit (
    partner_id bigint not null,
    id uuid not null,
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null,
    at timestamptz not null,
    constraint audit_pk primary key (partner_id, id)
);
