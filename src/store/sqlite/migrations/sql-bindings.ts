/** Databases that tenants have bound. The URL is sealed by the vault; its key is not in the database. */
export const sqlBindings = `
CREATE TABLE sql_bindings (
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  sealed TEXT NOT NULL,
  bound_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
`
