-- Families with a trail of their own, and acts that objects report: each is written down once.
ALTER TABLE audit_log ADD COLUMN realm TEXT;
ALTER TABLE audit_log ADD COLUMN scope TEXT;
ALTER TABLE audit_log ADD COLUMN source TEXT;
CREATE INDEX audit_log_realm ON audit_log (realm, created_at, id) WHERE realm IS NOT NULL;
CREATE INDEX audit_log_scope ON audit_log (realm, scope, created_at, id) WHERE realm IS NOT NULL;
CREATE UNIQUE INDEX audit_log_source ON audit_log (source);
