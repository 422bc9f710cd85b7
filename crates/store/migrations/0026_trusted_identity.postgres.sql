-- Who vouches for a partner's users.
create table trusted_identity (
    partner_id bigint not null,
    common_name text not null,
    authorities text not null,
    changed_at timestamptz not null,
    constraint trusted_identity_pk primary key (partner_id)
);

-- Tokens that were used, by a digest of partner and name.
create table identity_token (
    digest bytea not null,
    expires_at timestamptz not null,
    constraint identity_token_pk primary key (digest)
);
create index identity_token_expiry on identity_token (expires_at);

-- A session that began by a token is of no device; those that there are begin anew.
drop table session;
create table session (
    token_digest bytea not null,
    partner_id bigint not null,
    user_id bigint not null,
    installation_id uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint session_pk primary key (token_digest)
);
create index session_by_user on session (partner_id, user_id);
create index session_expiry on session (expires_at);
create index session_trusted on session (partner_id) where installation_id is null;
