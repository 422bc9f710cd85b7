-- Cards that were ordered and are made by a worker. Whoever claims one may try until `claimed_until`.
create table operation (
    partner_id bigint not null,
    id uuid not null,
    user_id bigint not null,
    balance_id uuid not null,
    config_id text not null,
    label text,
    actor text not null,
    address text,
    request_id text not null,
    status text not null,
    card_id bigint,
    reason text,
    attempts bigint not null,
    claimed_by uuid,
    claimed_until timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz,
    constraint operation_pk primary key (partner_id, id)
);
create index operation_open on operation (partner_id, created_at) where finished_at is null;
create index janitor_operation on operation (created_at) where finished_at is not null;
