/**
 * Asynchronous runs. Those that wait are found by tenant and function, so that finding the next one of a function costs the
 * same however many others wait; `planned_at` is when an event was due first, `claims` how often it was taken. `interrupted`
 * stays set while nobody has said what became of the last claim. A row goes when its run is in the ledger under the row's own id.
 */
export const invocations = `
CREATE TABLE invocations (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  function TEXT NOT NULL,
  target TEXT NOT NULL,
  "trigger" TEXT NOT NULL,
  input TEXT NOT NULL,
  depth INTEGER NOT NULL,
  parent_run TEXT,
  created_at INTEGER NOT NULL,
  planned_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'queued',
  attempts INTEGER NOT NULL DEFAULT 0,
  claims INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,
  lease TEXT,
  run TEXT,
  error TEXT,
  ended_at INTEGER
) STRICT;
CREATE INDEX invocations_queued ON invocations (tenant, function, due_at) WHERE state = 'queued';
CREATE UNIQUE INDEX invocations_by_lease ON invocations (lease) WHERE lease IS NOT NULL;
CREATE INDEX invocations_running ON invocations (due_at) WHERE state = 'running';
CREATE INDEX invocations_ended ON invocations (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE dead_letters (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  id TEXT NOT NULL UNIQUE,
  function TEXT NOT NULL,
  target TEXT NOT NULL,
  "trigger" TEXT NOT NULL,
  input TEXT NOT NULL,
  depth INTEGER NOT NULL,
  queue TEXT,
  ordering_key TEXT,
  attempts INTEGER NOT NULL,
  run TEXT,
  error TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_tenant ON dead_letters (tenant, number);
CREATE INDEX dead_letters_by_expiry ON dead_letters (expires_at);

CREATE TABLE idempotency (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  function TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL,
  answer TEXT,
  expires_at INTEGER NOT NULL,
  UNIQUE (tenant, function, key)
) STRICT;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE event_totals (
  tenant INTEGER PRIMARY KEY,
  queued INTEGER NOT NULL DEFAULT 0,
  queued_bytes INTEGER NOT NULL DEFAULT 0,
  letters INTEGER NOT NULL DEFAULT 0,
  letter_bytes INTEGER NOT NULL DEFAULT 0,
  keys INTEGER NOT NULL DEFAULT 0,
  key_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER invocations_insert AFTER INSERT ON invocations BEGIN
  INSERT INTO event_totals (tenant, queued, queued_bytes) VALUES (new.tenant, 1, octet_length(new.input))
    ON CONFLICT (tenant) DO UPDATE SET queued = queued + 1, queued_bytes = queued_bytes + excluded.queued_bytes;
END;
CREATE TRIGGER invocations_end AFTER UPDATE OF ended_at ON invocations
  WHEN old.ended_at IS NULL AND new.ended_at IS NOT NULL BEGIN
  UPDATE event_totals SET queued = queued - 1, queued_bytes = queued_bytes - octet_length(old.input) WHERE tenant = old.tenant;
END;
CREATE TRIGGER invocations_delete AFTER DELETE ON invocations WHEN old.ended_at IS NULL BEGIN
  UPDATE event_totals SET queued = queued - 1, queued_bytes = queued_bytes - octet_length(old.input) WHERE tenant = old.tenant;
END;
CREATE TRIGGER dead_letters_insert AFTER INSERT ON dead_letters BEGIN
  INSERT INTO event_totals (tenant, letters, letter_bytes) VALUES (new.tenant, 1, octet_length(new.input))
    ON CONFLICT (tenant) DO UPDATE SET letters = letters + 1, letter_bytes = letter_bytes + excluded.letter_bytes;
END;
CREATE TRIGGER dead_letters_update AFTER UPDATE OF input ON dead_letters BEGIN
  UPDATE event_totals SET letter_bytes = letter_bytes + octet_length(new.input) - octet_length(old.input) WHERE tenant = old.tenant;
END;
CREATE TRIGGER dead_letters_delete AFTER DELETE ON dead_letters BEGIN
  UPDATE event_totals SET letters = letters - 1, letter_bytes = letter_bytes - octet_length(old.input) WHERE tenant = old.tenant;
END;
CREATE TRIGGER idempotency_insert AFTER INSERT ON idempotency BEGIN
  INSERT INTO event_totals (tenant, keys, key_bytes) VALUES (new.tenant, 1, ifnull(octet_length(new.answer), 0))
    ON CONFLICT (tenant) DO UPDATE SET keys = keys + 1, key_bytes = key_bytes + excluded.key_bytes;
END;
CREATE TRIGGER idempotency_update AFTER UPDATE OF answer ON idempotency BEGIN
  UPDATE event_totals SET key_bytes = key_bytes + ifnull(octet_length(new.answer), 0) - ifnull(octet_length(old.answer), 0)
    WHERE tenant = old.tenant;
END;
CREATE TRIGGER idempotency_delete AFTER DELETE ON idempotency BEGIN
  UPDATE event_totals SET keys = keys - 1, key_bytes = key_bytes - ifnull(octet_length(old.answer), 0) WHERE tenant = old.tenant;
END;

CREATE TABLE event_orphans (tenant INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER tenants_delete_events AFTER DELETE ON tenants
  WHEN EXISTS (SELECT 1 FROM event_totals WHERE tenant = old.number) BEGIN
  INSERT INTO event_orphans VALUES (old.number);
END;
`
