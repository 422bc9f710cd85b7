-- What a card or an owner may spend (rules, as JSON) and what it has spent (counters, packed).
create table spending (
    partner_id integer not null,
    subject text not null,
    subject_id integer not null,
    rules text,
    counters blob not null,
    version integer not null,
    primary key (partner_id, subject, subject_id)
) strict, without rowid;

-- The partner's day on which a transaction counts, and which types of limits count it.
alter table "transaction" add column counted_on text;
alter table "transaction" add column counted_as integer;

-- What each card of a program may spend at most.
alter table program add column rules text;
