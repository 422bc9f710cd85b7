-- What was decided of a KYC form, and by whom; what the automatic check has left to a person; and
-- the last day of the document that an accepted one showed, as long as that is watched for.
alter table verification add column reason text;
alter table verification add column decided_at timestamptz;
alter table verification add column decided_by text;
alter table verification add column referred_at timestamptz;
alter table verification add column watched_until text;
create index verification_open on verification (partner_id, created_at, id)
    where status = 'IN_PROGRESS';
create index verification_watched on verification (partner_id, watched_until)
    where watched_until is not null;

-- In which currency a user gets a balance as soon as they are verified.
alter table partner add column automatic_balance text;
