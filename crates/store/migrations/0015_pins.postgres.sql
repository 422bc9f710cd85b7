-- Verification values of PINs, each with the index of its key, sealed; which PIN it is of (0: none);
-- wrong PINs in a row; when the last wrong codes were sent, in microseconds since 1970.
alter table card add column pvv bytea;
alter table card add column pin_version bigint not null default 0;
alter table card add column pin_tries bigint not null default 0;
alter table card add column wrong_codes jsonb;

-- The keys that a processor's PIN blocks are encrypted under, sealed.
create table pin_key (
    processor_id bigint not null,
    key_id text not null,
    cipher text not null,
    sealed bytea not null,
    check_value text not null,
    created_at timestamptz not null,
    constraint pin_key_pk primary key (processor_id, key_id)
);
