-- Documents that prove what a corporation is, sealed.
create table corporation_document (
    partner_id bigint not null,
    id uuid not null,
    corporation_id bigint not null,
    kind text not null,
    media_type text not null,
    content bytea not null,
    created_at timestamptz not null,
    constraint corporation_document_pk primary key (partner_id, id)
);
create index corporation_document_of
    on corporation_document (partner_id, corporation_id, created_at, id, kind, media_type);
create index corporation_kyb on corporation (partner_id, kyb, id);

-- A corporation that was removed leaves its place in the register, and is erased in time.
alter table corporation add column deleted_at timestamptz;
alter table corporation add column erased_at timestamptz;
drop index corporation_registration;
create unique index corporation_registration
    on corporation (partner_id, country, registration_number) where deleted_at is null;
create index corporation_erasure
    on corporation (deleted_at) where deleted_at is not null and erased_at is null;

-- Whether a partner's ADMIN decides KYB as well.
alter table partner add column kyb_by text not null default 'OPERATOR';
