-- Whether what tells who somebody is, or a secret, is encrypted for the partner's own key.
alter table outbound add column encrypt boolean not null default false;
