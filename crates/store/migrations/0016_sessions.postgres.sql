-- Whether sensitive calls of users' apps need a fresh signature of the device; not in a sandbox,
-- unless it asks for it. Which locks of their cards users may take off.
alter table partner add column step_up boolean not null default true;
alter table partner add column user_may_unlock text not null default 'ALL_REVERSIBLE';
update partner set step_up = false where exists (select 1 from instance where kind = 'sandbox');

-- Who put a card's lock on: USER, PARTNER, NETWORK, PLATFORM; of those from before it isn't known.
alter table card add column locked_by text;

-- A user's app on a device, and the public key that it made there.
create table installation (
    partner_id bigint not null,
    id uuid not null,
    user_id bigint not null,
    public_key bytea not null,
    created_at timestamptz not null,
    ended_at timestamptz,
    constraint installation_pk primary key (partner_id, id)
);
create index installation_user on installation (partner_id, user_id);

-- A user's right to act for a while. Of its token only a digest is kept.
create table session (
    token_digest bytea not null,
    partner_id bigint not null,
    user_id bigint not null,
    installation_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint session_pk primary key (token_digest)
);
create index session_by_user on session (partner_id, user_id);
create index session_expiry on session (expires_at);

-- What a device is to sign, once. Of the text only a digest is kept.
create table challenge (
    digest bytea not null,
    partner_id bigint not null,
    installation_id uuid not null,
    expires_at timestamptz not null,
    constraint challenge_pk primary key (digest)
);
create index challenge_expiry on challenge (expires_at);
