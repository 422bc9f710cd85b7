-- Cards that were ordered and are made by a worker. Whoever claims one may try until `claimed_until`.
create table operation (
    partner_id integer not null,
    id blob not null,
    user_id integer not null,
    balance_id blob not null,
    config_id text not null,
    label text,
    actor text not null,
    address text,
    request_id text not null,
    status text not null,
    card_id integer,
    reason text,
    attempts integer not null,
    claimed_by blob,
    claimed_until integer,
    created_at integer not null,
    finished_at integer,
    primary key (partner_id, id)
) strict, without rowid;
create index operation_open on operation (partner_id, created_at) where finished_at is null;
create index janitor_operation on operation (created_at) where finished_at is not null;
