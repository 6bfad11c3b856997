/**
 * Deployed functions hang on the tenant's number, as all that a tenant keeps. Code is kept once however many versions have
 * it; what no version has any more is noted when the last of them goes, and removed in small steps.
 */
export const functions = `
CREATE TABLE functions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  last_version INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (tenant, name)
) STRICT;

CREATE TABLE artifacts (
  id TEXT PRIMARY KEY,
  language TEXT NOT NULL,
  main TEXT NOT NULL,
  modules TEXT NOT NULL
) STRICT;

CREATE TABLE function_versions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  function INTEGER NOT NULL REFERENCES functions (number) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  artifact TEXT NOT NULL REFERENCES artifacts (id),
  config TEXT NOT NULL,
  handlers TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (function, version)
) STRICT;
CREATE INDEX function_versions_by_artifact ON function_versions (artifact);

CREATE TABLE artifact_orphans (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TRIGGER function_versions_delete AFTER DELETE ON function_versions
  WHEN NOT EXISTS (SELECT 1 FROM function_versions WHERE artifact = old.artifact)
BEGIN
  INSERT OR IGNORE INTO artifact_orphans VALUES (old.artifact);
END;

CREATE TABLE aliases (
  function INTEGER NOT NULL REFERENCES functions (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  canary TEXT,
  history TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (function, name)
) STRICT, WITHOUT ROWID;
`
