-- What `ledger verify` has found sound: for each partner until when, and what had moved of each
-- balance by then. Rows of another time than the partner's are left over from a run that was stopped.
create table checkpoint (
    partner_id bigint not null,
    posted_until timestamptz not null,
    constraint checkpoint_pk primary key (partner_id)
);

create table checkpoint_balance (
    partner_id bigint not null,
    posted_until timestamptz not null,
    balance_id uuid not null,
    moved bigint not null,
    constraint checkpoint_balance_pk primary key (partner_id, posted_until, balance_id)
);
