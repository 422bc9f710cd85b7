-- Names as they are compared with what somebody types: users are found by how one of both begins. Of
-- users who are here already a worker fills them in. Their order is that of their bytes.
alter table "user" add column first_name_folded text;
alter table "user" add column last_name_folded text;
create index user_first_name on "user" (partner_id, first_name_folded, id) where deleted_at is null;
create index user_last_name on "user" (partner_id, last_name_folded, id) where deleted_at is null;
create index user_unfolded on "user" (partner_id, id) where last_name_folded is null and deleted_at is null;
-- Users, and payments, are found by the last digits of a card.
create index card_last_four on card (partner_id, last_four, user_id);
-- What became of a transaction after its authorization, whose message is found by card and network id: an
-- authorization itself writes nothing more.
create index message_later on message (partner_id, transaction_id) where kind <> 'authorization';
drop index message_reversal;
-- How many authorizations were approved and declined in an hour, and up to which transaction they were
-- counted: a worker reads what is new, since to count a day's each time somebody looks would read them all.
create table authorization_hour (
    partner_id integer not null,
    hour integer not null,
    approved integer not null,
    declined integer not null,
    primary key (partner_id, hour)
) strict, without rowid;
create table authorization_tally (
    partner_id integer not null,
    counted_to blob not null,
    primary key (partner_id)
) strict, without rowid;
