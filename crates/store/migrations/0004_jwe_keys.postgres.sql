-- The keys that requests are encrypted for. The one with the highest number is current and has no
-- end; those that it replaced are accepted until theirs, in real time.
create table jwe_key (
    number bigint not null,
    kid text not null,
    sealed bytea not null,
    created_at timestamptz not null,
    accepted_until timestamptz,
    constraint jwe_key_pk primary key (number)
);
create unique index jwe_key_kid on jwe_key (kid);
