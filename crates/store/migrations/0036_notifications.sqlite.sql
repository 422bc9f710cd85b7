-- Notifications are looked at by the key that the partner was sent, and those that were given up are
-- walked through, to be sent again. Keys of all partners are in one index: one that began with the
-- partner could be taken for the way to a row by its number.
create unique index outbox_id on outbox (id);
create index outbox_failed on outbox (partner_id, number) where outcome = 'FAILED';
