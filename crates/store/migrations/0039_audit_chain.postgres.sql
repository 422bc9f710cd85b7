-- A record's place in its partner's chain, and what authenticates it there; none until it is sealed.
alter table audit add column place bigint;
alter table audit add column mac bytea;

-- The end of each partner's chain, and the last place of it that retention has removed. Both are
-- sealed by a key that the database doesn't hold.
create table audit_chain (
    partner_id bigint not null,
    place bigint not null,
    link bytea not null,
    seal bytea not null,
    removed_place bigint not null,
    removed_link bytea not null,
    removed_until timestamptz,
    removed_seal bytea not null,
    constraint audit_chain_pk primary key (partner_id)
);

-- Who seals, one at a time.
create table audit_sealer (
    id bigint not null,
    claimed_by uuid,
    claimed_until timestamptz,
    constraint audit_sealer_pk primary key (id)
);
insert into audit_sealer (id) values (1);

create index audit_unsealed on audit (partner_id, at, id) where place is null;
create unique index audit_place on audit (partner_id, place) where place is not null;
-- Ids are ordered by time, so the primary key serves pages of all records.
create index audit_object on audit (partner_id, object, id);
create index audit_actor on audit (partner_id, actor, id);
-- Records go from the beginning of their chain.
drop index janitor_audit;
