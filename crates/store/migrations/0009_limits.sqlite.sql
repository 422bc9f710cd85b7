-- What an owner (`card_id` 0) or a card of theirs may spend (rules, as JSON) and what was spent
-- (counters, packed).
create table spending (
    partner_id integer not null,
    user_id integer not null,
    card_id integer not null,
    rules text,
    counters blob not null,
    version integer not null,
    primary key (partner_id, user_id, card_id)
) strict, without rowid;

-- The partner's day on which a transaction counts, and which types of limits count it.
alter table "transaction" add column counted_on text;
alter table "transaction" add column counted_as integer;

-- What each card of a program may spend at most.
alter table program add column rules text;
