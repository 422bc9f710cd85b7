-- Who vouches for a partner's users.
create table trusted_identity (
    partner_id integer not null,
    common_name text not null,
    authorities text not null,
    changed_at integer not null,
    primary key (partner_id)
) strict, without rowid;

-- Tokens that were used, by a digest of partner and name.
create table identity_token (
    digest blob not null,
    expires_at integer not null,
    primary key (digest)
) strict, without rowid;
create index identity_token_expiry on identity_token (expires_at);

-- A session that began by a token is of no device; those that there are begin anew.
drop table session;
create table session (
    token_digest blob not null,
    partner_id integer not null,
    user_id integer not null,
    installation_id blob,
    created_at integer not null,
    expires_at integer not null,
    primary key (token_digest)
) strict, without rowid;
create index session_by_user on session (partner_id, user_id);
create index session_expiry on session (expires_at);
create index session_trusted on session (partner_id) where installation_id is null;
