/** Secrets of tenants. Values are sealed by the vault; its key is not in the database. `size` is of the value, in bytes. */
export const secrets = `
CREATE TABLE secrets (
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  size INTEGER NOT NULL,
  hosts TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
`
