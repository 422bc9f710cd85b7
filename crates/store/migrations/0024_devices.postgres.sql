-- How long sessions of a partner's users' apps live, and what lengthens them.
alter table partner add column session_mode text not null default 'FIXED';
alter table partner add column session_minutes bigint not null default 10;

-- An activation code that was given out: its first half names it, of all of it a keyed digest is
-- kept.
create table pairing (
    name text not null,
    digest bytea not null,
    partner_id bigint not null,
    user_id bigint not null,
    tries bigint not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pairing_pk primary key (name)
);
create index pairing_by_user on pairing (partner_id, user_id);
create index pairing_expiry on pairing (expires_at);

-- Until now tests alone could begin sessions.
delete from challenge;
delete from session;
delete from installation;
alter table installation add column device_id text not null;
alter table installation add column platform text not null;
create unique index installation_by_id on installation (id);
create unique index installation_device on installation (partner_id, user_id, device_id) where ended_at is null;
