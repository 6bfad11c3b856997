/**
 * The ledger is clustered by (tenant, sequence), so that a tenant's chain lies together and its end is one look-up away.
 * Key-value data hangs on the tenant's number, so that deleting a tenant is one row, whatever it stored; what is left
 * under the old number is unreachable and is purged in small steps.
 */
export const ledgerTenantsKv = `
CREATE TABLE ledger (
  tenant TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  run TEXT NOT NULL UNIQUE,
  format INTEGER NOT NULL,
  "trigger" TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  policy TEXT NOT NULL,
  walls TEXT NOT NULL,
  wall_us INTEGER NOT NULL,
  cpu_us INTEGER NOT NULL,
  units INTEGER NOT NULL,
  memory_mib INTEGER NOT NULL,
  peak_memory_bytes INTEGER NOT NULL,
  input_bytes INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  log_bytes INTEGER NOT NULL,
  cold_start INTEGER NOT NULL,
  operations TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tenant, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX ledger_by_time ON ledger (tenant, started_at, sequence);
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TABLE run_details (
  run TEXT PRIMARY KEY,
  started_at INTEGER NOT NULL,
  details TEXT NOT NULL
) STRICT;
CREATE INDEX run_details_by_time ON run_details (started_at);

CREATE TABLE tenants (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  policy TEXT NOT NULL,
  budget TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  kv_keys INTEGER NOT NULL DEFAULT 0,
  kv_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_tenant ON keys (tenant);

CREATE TABLE kv (
  tenant INTEGER NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kv_by_expiry ON kv (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX kv_by_tenant_expiry ON kv (tenant, expires_at) WHERE expires_at IS NOT NULL;
CREATE TRIGGER kv_insert AFTER INSERT ON kv BEGIN
  UPDATE tenants SET kv_keys = kv_keys + 1,
    kv_bytes = kv_bytes + octet_length(new.key) + octet_length(new.value) WHERE number = new.tenant;
END;
CREATE TRIGGER kv_update AFTER UPDATE OF value ON kv BEGIN
  UPDATE tenants SET kv_bytes = kv_bytes + octet_length(new.value) - octet_length(old.value) WHERE number = new.tenant;
END;
CREATE TRIGGER kv_delete AFTER DELETE ON kv BEGIN
  UPDATE tenants SET kv_keys = kv_keys - 1,
    kv_bytes = kv_bytes - octet_length(old.key) - octet_length(old.value) WHERE number = old.tenant;
END;

CREATE TABLE kv_orphans (tenant INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER tenants_delete AFTER DELETE ON tenants WHEN old.kv_keys > 0 BEGIN
  INSERT INTO kv_orphans VALUES (old.number);
END;
`
