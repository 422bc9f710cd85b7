-- Lists of sanctions and the operator's own: which were loaded, what stands on them, and on whom of
-- a partner's users and corporations somebody of them was found.
create table screening_list (
    name text not null,
    list text not null,
    version integer not null,
    entries integer not null,
    file text not null,
    loaded_at integer not null,
    primary key (name)
) strict, without rowid;

create table screening_entry (
    list_name text not null,
    version integer not null,
    id text not null,
    entry text not null,
    primary key (list_name, version, id)
) strict;

create table screening_hit (
    partner_id integer not null,
    id blob not null,
    owner_id integer not null,
    part text not null,
    list text not null,
    entry_id text not null,
    name text not null,
    score integer not null,
    birth text not null,
    facts text not null,
    state text not null,
    found_at integer not null,
    decided_at integer,
    decided_by text,
    comment text,
    locked integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index screening_hit_owner
    on screening_hit (partner_id, owner_id, part, list, entry_id);
create index screening_hit_open on screening_hit (partner_id, found_at, id) where state = 'OPEN';
