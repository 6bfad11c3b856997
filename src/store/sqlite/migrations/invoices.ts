/** Months that are closed. An invoice never changes: what it says is what the month cost. */
export const invoices = `
CREATE TABLE invoices (
  tenant TEXT NOT NULL,
  period TEXT NOT NULL,
  starts_at INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  records INTEGER NOT NULL,
  books TEXT NOT NULL,
  bill TEXT NOT NULL,
  PRIMARY KEY (tenant, period)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER invoices_no_update BEFORE UPDATE ON invoices
  BEGIN SELECT RAISE(ABORT, 'invoices are append-only'); END;
CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices
  BEGIN SELECT RAISE(ABORT, 'invoices are append-only'); END;
`
