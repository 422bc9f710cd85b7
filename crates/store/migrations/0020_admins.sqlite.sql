-- Panel accounts: people of a partner's, or of the operator's own where there is no partner. Of a
-- password only its hash is kept; the secret of their codes (TOTP) is sealed.
create table admin_account (
    id blob not null,
    email text not null,
    partner_id integer,
    role text not null,
    disabled integer not null,
    failures integer not null,
    locked_until integer,
    used_at integer not null,
    code_step integer not null,
    password text not null,
    code_secret blob not null,
    created_at integer not null,
    version integer not null,
    primary key (id)
) strict, without rowid;
create unique index admin_account_email on admin_account (email);

-- Their right to act for a while. Of its token only a digest is kept.
create table admin_session (
    token_digest blob not null,
    account_id blob not null,
    began_at integer not null,
    expires_at integer not null,
    primary key (token_digest)
) strict, without rowid;
create index admin_session_account on admin_session (account_id);
create index admin_session_expiry on admin_session (expires_at);
