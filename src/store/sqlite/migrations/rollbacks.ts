/** Why canaries ended by themselves, with the function whose they were. */
export const rollbacks = `
CREATE TABLE rollbacks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  function INTEGER NOT NULL REFERENCES functions (number) ON DELETE CASCADE,
  alias TEXT NOT NULL,
  version INTEGER NOT NULL,
  canary INTEGER NOT NULL,
  findings TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX rollbacks_by_function ON rollbacks (function, number);
`
