-- Who makes and personalises a program's cards; and which card and which balance a line of an import
-- became, if it had a card of a program whose processor makes them.
alter table program add column port text not null default 'BUILTIN';
alter table import_line add column card_id bigint;
alter table import_line add column balance_id uuid;
