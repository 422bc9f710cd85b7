-- Low-balance alerts: below which amount who is told of a partner's own balance, since when it is known
-- to be lower, and the e-mail that is still to be sent. Addresses are separated by spaces, times are
-- real time. `mail_next_at` is when it is tried next; while it is being sent, when its claim ends.
create table balance_alert (
    partner_id bigint not null,
    balance_id uuid not null,
    threshold bigint not null,
    addresses text not null,
    low_since timestamptz,
    mail_id uuid,
    mail_to text,
    mail_amount bigint,
    mail_at timestamptz,
    mail_next_at timestamptz,
    mail_attempts bigint,
    changed_at timestamptz not null,
    constraint balance_alert_pk primary key (partner_id, balance_id)
);
