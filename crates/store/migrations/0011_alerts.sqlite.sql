-- Low-balance alerts: below which amount who is told of a partner's own balance, since when it is known
-- to be lower, and the e-mail that is still to be sent. Addresses are separated by spaces, times are
-- real time. `mail_next_at` is when it is tried next; while it is being sent, when its claim ends.
create table balance_alert (
    partner_id integer not null,
    balance_id blob not null,
    threshold integer not null,
    addresses text not null,
    low_since integer,
    mail_id blob,
    mail_to text,
    mail_amount integer,
    mail_at integer,
    mail_next_at integer,
    mail_attempts integer,
    changed_at integer not null,
    primary key (partner_id, balance_id)
) strict, without rowid;
