/** Executions of durable functions hang on the tenant's number, as all that a tenant keeps. */
export const executions = `
CREATE TABLE executions (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  function TEXT NOT NULL,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  input TEXT NOT NULL,
  result TEXT,
  error TEXT,
  due_at INTEGER,
  runs INTEGER NOT NULL DEFAULT 0,
  setbacks INTEGER NOT NULL DEFAULT 0,
  last_run TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX executions_due ON executions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX executions_by_tenant ON executions (tenant, number);
CREATE INDEX executions_open ON executions (tenant) WHERE status IN ('running', 'suspended');
CREATE INDEX executions_over ON executions (updated_at) WHERE status NOT IN ('running', 'suspended');

CREATE TABLE journal (
  execution INTEGER NOT NULL REFERENCES executions (number) ON DELETE CASCADE,
  id TEXT NOT NULL,
  place INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  value TEXT,
  due_at INTEGER,
  tries INTEGER NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (execution, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE execution_events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  execution INTEGER NOT NULL REFERENCES executions (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  payload TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX execution_events_by_name ON execution_events (execution, name, number);
`
