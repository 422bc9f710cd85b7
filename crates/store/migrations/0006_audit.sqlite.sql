-- From where a command came, and the name of its request; unknown of the records written before.
alter table audit add column address text;
alter table audit add column request_id text;
