-- What a partner is asked about: by which message, and until when (real time). A transaction is
-- 'ASKING' meanwhile.
alter table "transaction" add column asking_message blob;
alter table "transaction" add column asking_until integer;
-- Whether the partner has it in its books.
alter table "transaction" add column shared integer not null default 0;
create index transaction_asking on "transaction" (partner_id, asking_until)
    where asking_until is not null;
-- Within how many milliseconds a partner is to answer, where that is less than its processor leaves it;
-- and how many questions to it may be open at once.
alter table partner add column ask_within_ms integer;
alter table partner add column asks_at_once integer not null default 64;
