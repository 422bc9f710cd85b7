-- A record's place in its partner's chain, and what authenticates it there; none until it is sealed.
alter table audit add column place integer;
alter table audit add column mac blob;

-- The end of each partner's chain, and the last place of it that retention has removed. Both are
-- sealed by a key that the database doesn't hold.
create table audit_chain (
    partner_id integer not null,
    place integer not null,
    link blob not null,
    seal blob not null,
    removed_place integer not null,
    removed_link blob not null,
    removed_until integer,
    removed_seal blob not null,
    primary key (partner_id)
) strict, without rowid;

-- Who seals, one at a time.
create table audit_sealer (
    id integer not null,
    claimed_by blob,
    claimed_until integer,
    primary key (id)
) strict, without rowid;
insert into audit_sealer (id) values (1);

create index audit_unsealed on audit (partner_id, at, id) where place is null;
create unique index audit_place on audit (partner_id, place) where place is not null;
-- Ids are ordered by time, so the primary key serves pages of all records.
create index audit_object on audit (partner_id, object, id);
create index audit_actor on audit (partner_id, actor, id);
-- Records go from the beginning of their chain.
drop index janitor_audit;
