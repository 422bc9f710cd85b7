-- Documents that prove what a corporation is, sealed.
create table corporation_document (
    partner_id integer not null,
    id blob not null,
    corporation_id integer not null,
    kind text not null,
    media_type text not null,
    content blob not null,
    created_at integer not null,
    primary key (partner_id, id)
) strict;
create index corporation_document_of
    on corporation_document (partner_id, corporation_id, created_at, id, kind, media_type);
create index corporation_kyb on corporation (partner_id, kyb, id);

-- A corporation that was removed leaves its place in the register, and is erased in time.
alter table corporation add column deleted_at integer;
alter table corporation add column erased_at integer;
drop index corporation_registration;
create unique index corporation_registration
    on corporation (partner_id, country, registration_number) where deleted_at is null;
create index corporation_erasure
    on corporation (deleted_at) where deleted_at is not null and erased_at is null;

-- Whether a partner's ADMIN decides KYB as well.
alter table partner add column kyb_by text not null default 'OPERATOR';
