-- Programs for anonymous gifts: the scheme's approval, and what an e-commerce payment may have, in
-- minor units.
alter table program add column gift_approval text;
alter table program add column gift_ecommerce_max integer;

-- Gifts: the program whose card pays from the balance, what it was loaded with, and what the
-- partner has charged of it.
alter table balance add column gift_config_id text;
alter table balance add column gift_loaded integer not null default 0;
alter table balance add column gift_charged integer not null default 0;
