-- How many cards a holder has of a program is told by the index alone.
drop index card_user;
create index card_user on card (partner_id, user_id, id, config_id, removed_at, corporation_id, lock_reason);
