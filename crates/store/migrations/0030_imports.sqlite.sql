-- Imports of users, each by the key that its partner gave it. Who does it holds a lease.
create table import (
    partner_id integer not null,
    id blob not null,
    key text not null,
    state text not null,
    lines integer not null,
    created integer not null,
    refused integer not null,
    claimed_by blob,
    claimed_until integer,
    started_at integer not null,
    updated_at integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index import_key on import (partner_id, key);
create index import_age on import (started_at);

-- What became of a line. One without a fingerprint may be sent otherwise.
create table import_line (
    partner_id integer not null,
    import_id blob not null,
    line integer not null,
    fingerprint blob,
    user_id integer,
    refusal text,
    created_at integer not null,
    primary key (partner_id, import_id, line)
) strict, without rowid;
create index import_line_age on import_line (created_at);
