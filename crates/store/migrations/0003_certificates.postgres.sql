-- The operator whose certificate it is, for one that is neither a partner's nor a processor's.
alter table certificate add column operator text;
