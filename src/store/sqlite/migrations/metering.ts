/**
 * What records say of functions, of traffic and of storage, and roll-ups of them all. Roll-ups are filled from the records by the step that
 * follows these statements: see fill-rollups.ts.
 */
export const metering = `
ALTER TABLE ledger ADD COLUMN function TEXT;
ALTER TABLE ledger ADD COLUMN version INTEGER;
ALTER TABLE ledger ADD COLUMN parent_run TEXT;
ALTER TABLE ledger ADD COLUMN kind TEXT NOT NULL DEFAULT 'run';
ALTER TABLE ledger ADD COLUMN egress_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN ingress_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN stored_byte_hours INTEGER NOT NULL DEFAULT 0;

CREATE TABLE rollups (
  tenant TEXT NOT NULL,
  resolution TEXT NOT NULL,
  start INTEGER NOT NULL,
  kind TEXT NOT NULL,
  "trigger" TEXT NOT NULL,
  status TEXT NOT NULL,
  function TEXT NOT NULL,
  version INTEGER NOT NULL,
  policy TEXT NOT NULL,
  sums TEXT NOT NULL,
  PRIMARY KEY (tenant, resolution, start, kind, "trigger", status, function, version, policy)
) STRICT, WITHOUT ROWID;
`
