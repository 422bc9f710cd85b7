-- A user's orders of plastic, listed while no card of theirs is seen yet.
create index card_order_user on card_order (partner_id, user_id, created_at);
