-- The last day of a card on plastic once its renewal was activated.
alter table card_order add column expiry text;
