-- Panel accounts: people of a partner's, or of the operator's own where there is no partner. Of a
-- password only its hash is kept; the secret of their codes (TOTP) is sealed.
create table admin_account (
    id uuid not null,
    email text not null,
    partner_id bigint,
    role text not null,
    disabled boolean not null,
    failures bigint not null,
    locked_until timestamptz,
    used_at timestamptz not null,
    code_step bigint not null,
    password text not null,
    code_secret bytea not null,
    created_at timestamptz not null,
    version bigint not null,
    constraint admin_account_pk primary key (id)
);
create unique index admin_account_email on admin_account (email);

-- Their right to act for a while. Of its token only a digest is kept.
create table admin_session (
    token_digest bytea not null,
    account_id uuid not null,
    began_at timestamptz not null,
    expires_at timestamptz not null,
    constraint admin_session_pk primary key (token_digest)
);
create index admin_session_account on admin_session (account_id);
create index admin_session_expiry on admin_session (expires_at);
