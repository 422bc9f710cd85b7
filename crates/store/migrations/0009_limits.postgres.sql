-- What an owner (`card_id` 0) or a card of theirs may spend (rules, as JSON) and what was spent
-- (counters, packed).
create table spending (
    partner_id bigint not null,
    user_id bigint not null,
    card_id bigint not null,
    rules jsonb,
    counters bytea not null,
    version bigint not null,
    constraint spending_pk primary key (partner_id, user_id, card_id)
) with (fillfactor = 50);

-- The partner's day on which a transaction counts, and which types of limits count it.
alter table "transaction" add column counted_on text;
alter table "transaction" add column counted_as bigint;

-- What each card of a program may spend at most.
alter table program add column rules jsonb;
