-- Whether somebody else was shown what opens an account, who has made or reset it: then its own person
-- sets a password and an authenticator first. Of accounts that are here already nobody asks that.
alter table admin_account add column secrets_shown boolean not null default false;
