-- What `ledger verify` has found sound: for each partner until when, and what had moved of each
-- balance by then. Rows of another time than the partner's are left over from a run that was stopped.
create table checkpoint (
    partner_id integer not null,
    posted_until integer not null,
    primary key (partner_id)
) strict, without rowid;

create table checkpoint_balance (
    partner_id integer not null,
    posted_until integer not null,
    balance_id blob not null,
    moved integer not null,
    primary key (partner_id, posted_until, balance_id)
) strict, without rowid;
