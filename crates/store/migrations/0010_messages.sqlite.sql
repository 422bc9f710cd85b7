-- How much of an increment its own reversals have taken off the hold that it raised.
alter table message add column reversed_amount integer not null default 0;

-- The card and the network id that a network's name for a message begins with: all messages that a
-- later one may mean are found by them, and the transactions by the messages. 0 and nothing where
-- the name isn't a network's.
alter table message add column card_id integer not null default 0;
alter table message add column network_id text not null default '';
update message set network_id = substr(
    substr(network_key, instr(network_key, '|') + 1),
    1,
    instr(substr(network_key, instr(network_key, '|') + 1), '|') - 1),
    card_id = (
        select t.card_id from "transaction" t
        where t.partner_id = message.partner_id and t.id = message.transaction_id)
where network_key is not null and exists (
    select 1 from "transaction" t
    where t.partner_id = message.partner_id and t.id = message.transaction_id
        and t.card_id is not null);
drop index message_network;
create unique index message_network on message (partner_id, card_id, network_id, network_key)
    where network_key is not null;
drop index transaction_network;
