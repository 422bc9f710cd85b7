-- The partners' own balances live beside the users': one of each kind and currency.
alter table balance alter column user_id drop not null;
alter table balance add column kind text not null default 'USER';
create unique index balance_kind on balance (partner_id, kind, currency) where kind <> 'USER';

-- How a transaction is backed by a balance of the partner's, and what the network has settled of it.
alter table "transaction" add column settled bigint not null default 0;
alter table "transaction" add column collateral_mode text not null default 'NONE';
alter table "transaction" add column collateral_id uuid;
alter table "transaction" add column collateral_held bigint not null default 0;
alter table "transaction" add column collateral_moved bigint not null default 0;
update "transaction" set settled = cleared where cleared <> 0;

-- What could be spent, for a message that asks that.
alter table message add column available bigint;

-- Who bears a difference of exchange rates.
alter table program add column fx_difference_to text not null default 'COMPANY';

-- Why no money may leave a user's balances: reasons with a blank between them.
alter table "user" add column transactional_locks text not null default '';
