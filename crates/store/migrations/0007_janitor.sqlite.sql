-- What the janitor finds work by. It is named so, since other parts of the schema index the same
-- tables for other ends. The condition of `message` is one that a look-up by key doesn't imply: the
-- planner would take this index for the engine's look-ups where the table is small.
create index janitor_idempotency on idempotency (created_at);
create index janitor_message on message (created_at) where coalesce(idempotency_key, '') <> '';
create index janitor_early_reversal on early_reversal (expires_at);
create index janitor_audit on audit (at);
