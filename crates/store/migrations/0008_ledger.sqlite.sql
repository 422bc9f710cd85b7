-- The partners' own balances live beside the users': one of each kind and currency.
create table balance_new (
    partner_id integer not null,
    id blob not null,
    user_id integer,
    currency text not null,
    state text not null,
    posted integer not null,
    held integer not null,
    created_at integer not null,
    version integer not null,
    kind text not null default 'USER',
    primary key (partner_id, id)
) strict, without rowid;
insert into balance_new (
    partner_id, id, user_id, currency, state, posted, held, created_at, version)
select partner_id, id, user_id, currency, state, posted, held, created_at, version from balance;
drop table balance;
alter table balance_new rename to balance;
create index balance_user on balance (partner_id, user_id);
create unique index balance_kind on balance (partner_id, kind, currency) where kind <> 'USER';

-- How a transaction is backed by a balance of the partner's, and what the network has settled of it.
alter table "transaction" add column settled integer not null default 0;
alter table "transaction" add column collateral_mode text not null default 'NONE';
alter table "transaction" add column collateral_id blob;
alter table "transaction" add column collateral_held integer not null default 0;
alter table "transaction" add column collateral_moved integer not null default 0;
update "transaction" set settled = cleared where cleared <> 0;

-- What could be spent, for a message that asks that.
alter table message add column available integer;

-- Who bears a difference of exchange rates.
alter table program add column fx_difference_to text not null default 'COMPANY';

-- Why no money may leave a user's balances: reasons with a blank between them.
alter table "user" add column transactional_locks text not null default '';
