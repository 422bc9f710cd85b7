-- When what was known of a removed user was erased.
alter table "user" add column erased_at integer;
create index user_erasure on "user" (deleted_at) where deleted_at is not null and erased_at is null;
