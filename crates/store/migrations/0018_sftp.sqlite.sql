-- A bureau's folder may be on an SFTP server: the host keys that it shows, a line each, and our key
-- for it, sealed.
alter table bureau add column host_keys text;
alter table bureau add column ssh_key blob;
