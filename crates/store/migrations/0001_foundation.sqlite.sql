-- What this instance is, and the version of its settings (partners, programs, certificates).
create table instance (
    id integer not null,
    kind text not null,
    settings_version integer not null,
    created_at integer not null,
    primary key (id)
) strict, without rowid;

-- The next free number of a series. Blocks are taken from it, so numbers may be left out.
create table counter (
    partner_id integer not null,
    name text not null,
    next integer not null,
    primary key (partner_id, name)
) strict, without rowid;

create table partner (
    id integer not null,
    code text not null,
    name text not null,
    state text not null,
    balance_mode text not null,
    authorization_mode text not null,
    collateral_mode text not null,
    kyc_mode text not null,
    description_codes text not null,
    time_zone text not null,
    created_at integer not null,
    version integer not null,
    primary key (id)
) strict, without rowid;
create unique index partner_code on partner (code);

-- Partner keys, wrapped by the master key.
create table data_key (
    partner_id integer not null,
    wrapped blob not null,
    created_at integer not null,
    primary key (partner_id)
) strict, without rowid;

-- Card verification keys and the key of the number permutation, sealed; one of each per BIN.
create table card_key (
    partner_id integer not null,
    bin text not null,
    purpose text not null,
    generation integer not null,
    sealed blob not null,
    created_at integer not null,
    primary key (partner_id, bin, purpose, generation)
) strict, without rowid;

create table processor (
    id integer not null,
    name text not null,
    time_budget_ms integer not null,
    created_at integer not null,
    primary key (id)
) strict, without rowid;
create unique index processor_name on processor (name);

create table program (
    partner_id integer not null,
    config_id text not null,
    card_type text not null,
    digital_first integer not null,
    currency text not null,
    scheme text not null,
    product text not null,
    audience text not null,
    processor_id integer not null,
    bin text not null,
    lifetime_months integer not null,
    card_cap integer not null,
    hold_days integer not null,
    state text not null,
    created_at integer not null,
    version integer not null,
    primary key (partner_id, config_id)
) strict, without rowid;

-- A BIN belongs to one partner.
create table bin_range (
    bin text not null,
    partner_id integer not null,
    primary key (bin)
) strict, without rowid;

-- Client certificates; identity is the fingerprint (SHA-256 of the DER).
create table certificate (
    fingerprint blob not null,
    partner_id integer,
    processor_id integer,
    scopes text not null,
    common_name text not null,
    serial text not null,
    not_before integer not null,
    not_after integer not null,
    revoked_at integer,
    created_at integer not null,
    primary key (fingerprint)
) strict, without rowid;

create table "user" (
    partner_id integer not null,
    id integer not null,
    first_name text not null,
    last_name text not null,
    phone text not null,
    phone_digits text not null,
    email text not null,
    email_folded text not null,
    birth_date text not null,
    external_id text,
    address text,
    state text not null,
    kyc text not null,
    created_at integer not null,
    deleted_at integer,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index user_email on "user" (partner_id, email_folded) where deleted_at is null;
create unique index user_phone on "user" (partner_id, phone_digits) where deleted_at is null;
create index user_external_id on "user" (partner_id, external_id);

-- KYC forms; what they say is sealed.
create table verification (
    partner_id integer not null,
    id blob not null,
    user_id integer not null,
    status text not null,
    findings text not null,
    form blob not null,
    created_at integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create index verification_user on verification (partner_id, user_id);

create table verification_image (
    partner_id integer not null,
    verification_id blob not null,
    kind text not null,
    media_type text not null,
    image blob not null,
    primary key (partner_id, verification_id, kind)
) strict;

-- `version` guards: the balance's row lock orders all that happens to it, its cards and its transactions.
create table balance (
    partner_id integer not null,
    id blob not null,
    user_id integer not null,
    currency text not null,
    state text not null,
    posted integer not null,
    held integer not null,
    created_at integer not null,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create index balance_user on balance (partner_id, user_id);

create table card (
    partner_id integer not null,
    id integer not null,
    resource_id blob not null,
    balance_id blob not null,
    user_id integer not null,
    config_id text not null,
    card_type text not null,
    state text not null,
    lock_reason text,
    locked_at integer,
    removed_at integer,
    pan blob not null,
    pan_index blob not null,
    last_four text not null,
    expiry text not null,
    cvc_generation integer not null,
    label text,
    created_at integer not null,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index card_pan on card (partner_id, pan_index);
create index card_user on card (partner_id, user_id, id);
create index card_balance on card (partner_id, balance_id);

create table "transaction" (
    partner_id integer not null,
    id blob not null,
    number integer not null,
    balance_id blob,
    card_id integer,
    processor_id integer,
    network_id text not null,
    network_date integer not null,
    reference_id text,
    reference_date integer,
    kind text not null,
    category text not null,
    amount integer not null,
    currency text not null,
    original_amount integer,
    original_currency text,
    conversion_rate text,
    text text not null,
    data text,
    mcc text,
    retrieval_reference text,
    status text not null,
    processing text not null,
    description text not null,
    held integer not null,
    cleared integer not null,
    parts integer not null,
    balance_before integer,
    balance_after integer,
    authorization_code text,
    flag text,
    expires_at integer,
    received_at integer not null,
    changed_at integer not null,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create index transaction_network on "transaction" (partner_id, card_id, network_id);
create unique index transaction_number on "transaction" (partner_id, balance_id, number);
create index transaction_expiry on "transaction" (partner_id, expires_at) where expires_at is not null;

-- What was decided about a message; its answer is a function of this row.
create table message (
    partner_id integer not null,
    id blob not null,
    scope text not null,
    idempotency_key text,
    network_key text,
    fingerprint blob not null,
    kind text not null,
    transaction_id blob not null,
    amount integer not null,
    currency text not null,
    processing text not null,
    description text not null,
    action_code text not null,
    status text not null,
    approved_amount integer not null,
    authorization_code text,
    told integer not null,
    request_id text not null,
    created_at integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index message_key on message (partner_id, scope, idempotency_key) where idempotency_key is not null;
create unique index message_network on message (partner_id, network_key) where network_key is not null;

-- Posted money: the legs of each part of a transaction.
create table movement (
    partner_id integer not null,
    transaction_id blob not null,
    part integer not null,
    leg integer not null,
    from_account text not null,
    from_balance_id blob,
    to_account text not null,
    to_balance_id blob,
    amount integer not null,
    currency text not null,
    posted_at integer not null,
    primary key (partner_id, transaction_id, part, leg)
) strict, without rowid;

-- A reversal that came before what it reverses, and waits for it.
create table early_reversal (
    partner_id integer not null,
    card_id integer not null,
    reference_id text not null,
    reference_date integer not null,
    expires_at integer not null,
    primary key (partner_id, card_id, reference_id, reference_date)
) strict, without rowid;

-- Answers of decided commands outside the engine, sealed.
create table idempotency (
    partner_id integer not null,
    endpoint text not null,
    key text not null,
    fingerprint blob not null,
    answer blob not null,
    created_at integer not null,
    primary key (partner_id, endpoint, key)
) strict, without rowid;

create table audit (
    partner_id integer not null,
    id blob not null,
    actor text not null,
    action text not null,
    object text not null,
    detail text not null,
    at integer not null,
    primary key (partner_id, id)
) strict, without rowid;
