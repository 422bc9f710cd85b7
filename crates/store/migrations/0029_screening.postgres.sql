-- Lists of sanctions and the operator's own: which were loaded, what stands on them, and on whom of
-- a partner's users and corporations somebody of them was found.
create table screening_list (
    name text not null,
    list text not null,
    version bigint not null,
    entries bigint not null,
    file text not null,
    loaded_at timestamptz not null,
    constraint screening_list_pk primary key (name)
);

create table screening_entry (
    list_name text not null,
    version bigint not null,
    id text not null,
    entry jsonb not null,
    constraint screening_entry_pk primary key (list_name, version, id)
);

create table screening_hit (
    partner_id bigint not null,
    id uuid not null,
    owner_id bigint not null,
    part text not null,
    list text not null,
    entry_id text not null,
    name text not null,
    score bigint not null,
    birth text not null,
    facts text not null,
    state text not null,
    found_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    comment text,
    locked boolean not null,
    constraint screening_hit_pk primary key (partner_id, id)
);
create unique index screening_hit_owner
    on screening_hit (partner_id, owner_id, part, list, entry_id);
create index screening_hit_open on screening_hit (partner_id, found_at, id) where state = 'OPEN';
