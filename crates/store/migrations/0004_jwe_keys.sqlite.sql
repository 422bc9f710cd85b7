-- The keys that requests are encrypted for. The one with the highest number is current and has no
-- end; those that it replaced are accepted until theirs, in real time.
create table jwe_key (
    number integer not null,
    kid text not null,
    sealed blob not null,
    created_at integer not null,
    accepted_until integer,
    primary key (number)
) strict, without rowid;
create unique index jwe_key_kid on jwe_key (kid);
