-- Users and corporations own balances; their numbers are of one series.
alter table balance rename column user_id to owner_id;
alter table spending rename column user_id to owner_id;
drop index balance_kind;
create unique index balance_kind on balance (partner_id, kind, currency) where owner_id is null;

-- Companies. Who acts for them and owns them is sealed.
create table corporation (
    partner_id integer not null,
    id integer not null,
    resource_id blob not null,
    name text not null,
    registration_number text not null,
    tax_id text,
    country text not null,
    address text not null,
    persons blob not null,
    kyb text not null,
    kyb_reference text,
    transactional_locks text not null default '',
    created_at integer not null,
    version integer not null,
    primary key (partner_id, id)
) strict, without rowid;
create unique index corporation_resource on corporation (partner_id, resource_id);
create unique index corporation_registration
    on corporation (partner_id, country, registration_number);

-- The corporation from whose balance a card pays; none if that is its holder's.
alter table card add column corporation_id integer;
create index card_corporation on card (partner_id, corporation_id)
    where corporation_id is not null;
-- The same of a card that is made afterwards, by its name on the wire.
alter table operation add column corporation blob;
