-- Whether sensitive calls of users' apps need a fresh signature of the device; not in a sandbox,
-- unless it asks for it. Which locks of their cards users may take off.
alter table partner add column step_up integer not null default 1;
alter table partner add column user_may_unlock text not null default 'ALL_REVERSIBLE';
update partner set step_up = 0 where exists (select 1 from instance where kind = 'sandbox');

-- Who put a card's lock on: USER, PARTNER, NETWORK, PLATFORM; of those from before it isn't known.
alter table card add column locked_by text;

-- A user's app on a device, and the public key that it made there.
create table installation (
    partner_id integer not null,
    id blob not null,
    user_id integer not null,
    public_key blob not null,
    created_at integer not null,
    ended_at integer,
    primary key (partner_id, id)
) strict, without rowid;
create index installation_user on installation (partner_id, user_id);

-- A user's right to act for a while. Of its token only a digest is kept.
create table session (
    token_digest blob not null,
    partner_id integer not null,
    user_id integer not null,
    installation_id blob not null,
    created_at integer not null,
    expires_at integer not null,
    primary key (token_digest)
) strict, without rowid;
create index session_by_user on session (partner_id, user_id);
create index session_expiry on session (expires_at);

-- What a device is to sign, once. Of the text only a digest is kept.
create table challenge (
    digest blob not null,
    partner_id integer not null,
    installation_id blob not null,
    expires_at integer not null,
    primary key (digest)
) strict, without rowid;
create index challenge_expiry on challenge (expires_at);
