/**
 * Users of tenants' applications. `auth_tenants` counts users, so that a bound costs one row to check. What a deleted tenant
 * leaves is unreachable, since numbers of tenants are never given out twice, and is purged in small steps.
 */
export const auth = `
CREATE TABLE auth_tenants (
  tenant INTEGER PRIMARY KEY,
  users INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE auth_users (
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, id),
  UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE auth_sessions (
  tenant INTEGER NOT NULL,
  user TEXT NOT NULL,
  id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, user, id),
  UNIQUE (tenant, token_hash),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX auth_sessions_expiry ON auth_sessions (expires_at);
CREATE TABLE auth_attempts (
  tenant INTEGER NOT NULL,
  name TEXT NOT NULL,
  failures INTEGER NOT NULL,
  wait_until INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX auth_attempts_last ON auth_attempts (tenant, last_at);
CREATE TABLE auth_keys (
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  id TEXT NOT NULL,
  sealed TEXT NOT NULL,
  public_key TEXT NOT NULL,
  PRIMARY KEY (tenant)
) STRICT;
CREATE TABLE auth_orphans (tenant INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER auth_users_insert AFTER INSERT ON auth_users BEGIN
  INSERT INTO auth_tenants VALUES (new.tenant, 1) ON CONFLICT (tenant) DO UPDATE SET users = users + 1;
END;
CREATE TRIGGER auth_users_delete AFTER DELETE ON auth_users BEGIN
  UPDATE auth_tenants SET users = users - 1 WHERE tenant = old.tenant;
  DELETE FROM auth_sessions WHERE tenant = old.tenant AND user = old.id;
  DELETE FROM auth_attempts WHERE tenant = old.tenant AND name = old.name;
END;
CREATE TRIGGER tenants_delete_auth AFTER DELETE ON tenants BEGIN
  INSERT INTO auth_orphans VALUES (old.number);
END;
`
