-- What the built-in check thinks of a form that an eKYC provider is asked about, since when it is to
-- be asked and when next, how often it was, and since when it has the form in work. Whoever claims a
-- form may ask until `claimed_until`.
alter table verification add column ekyc_view text;
alter table verification add column ekyc_since timestamptz;
alter table verification add column ekyc_next_at timestamptz;
alter table verification add column ekyc_attempts bigint;
alter table verification add column ekyc_taken_at timestamptz;
alter table verification add column claimed_by uuid;
alter table verification add column claimed_until timestamptz;
create index verification_ekyc on verification (partner_id, ekyc_next_at)
    where status = 'IN_PROGRESS' and referred_at is null and ekyc_next_at is not null;
create index verification_to_check on verification (partner_id, created_at, id)
    where status = 'IN_PROGRESS' and referred_at is null and ekyc_view is null;
