-- When a transaction was decided, and by whom: null is the platform. Of what is here already only
-- what the network had settled without an authorization was decided by somebody else.
alter table "transaction" add column decided_at timestamptz;
alter table "transaction" add column decided_by text;
update "transaction" set decided_by = 'NETWORK' where flag = 'WITHOUT_AUTHORIZATION';
