-- What tells of a user's forms keeps how they were addressed then, until they are erased.
create index outbox_forms on outbox (partner_id, stream, number)
    where event in ('verificationInProgress', 'verificationAccepted', 'verificationRejected');
