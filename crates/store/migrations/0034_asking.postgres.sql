-- What a partner is asked about: by which message, and until when (real time). A transaction is
-- 'ASKING' meanwhile.
alter table "transaction" add column asking_message uuid;
alter table "transaction" add column asking_until timestamptz;
-- Whether the partner has it in its books.
alter table "transaction" add column shared boolean not null default false;
create index transaction_asking on "transaction" (partner_id, asking_until)
    where asking_until is not null;
-- Within how many milliseconds a partner is to answer, where that is less than its processor leaves it;
-- and how many questions to it may be open at once.
alter table partner add column ask_within_ms bigint;
alter table partner add column asks_at_once bigint not null default 64;
