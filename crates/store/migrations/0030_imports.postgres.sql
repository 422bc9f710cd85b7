-- Imports of users, each by the key that its partner gave it. Who does it holds a lease.
create table import (
    partner_id bigint not null,
    id uuid not null,
    key text not null,
    state text not null,
    lines bigint not null,
    created bigint not null,
    refused bigint not null,
    claimed_by uuid,
    claimed_until timestamptz,
    started_at timestamptz not null,
    updated_at timestamptz not null,
    constraint import_pk primary key (partner_id, id),
    constraint import_key unique (partner_id, key)
);
create index import_age on import (started_at);

-- What became of a line. One without a fingerprint may be sent otherwise.
create table import_line (
    partner_id bigint not null,
    import_id uuid not null,
    line bigint not null,
    fingerprint bytea,
    user_id bigint,
    refusal text,
    created_at timestamptz not null,
    constraint import_line_pk primary key (partner_id, import_id, line)
);
create index import_line_age on import_line (created_at);
