-- KYC forms that are decided, by what was decided and when, the newest first.
create index verification_decided on verification (partner_id, status, decided_at, id)
    where decided_at is not null;
