/**
 * A message is claimed by its row: until `visible_at` it waits, for the end of its delay or of somebody's lease. Of the
 * messages of one ordering key only the first is `at_head` and can be claimed; the next becomes it when the first goes, so
 * that a claim never has to look at those behind. Emptying or deleting a queue is one row: what was in it hangs on a number
 * that nobody has any more, and goes in small steps.
 */
export const queues = `
CREATE TABLE queues (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  retention_ms INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  deduplications INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, name)
) STRICT;
CREATE TABLE messages (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  ordering_key TEXT,
  at_head INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  visible_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  lease TEXT
) STRICT;
CREATE UNIQUE INDEX messages_by_id ON messages (queue, id);
CREATE INDEX messages_in_order ON messages (queue, sequence);
CREATE INDEX messages_due ON messages (queue, visible_at, sequence) WHERE at_head = 1;
CREATE INDEX messages_by_key ON messages (queue, ordering_key, sequence) WHERE ordering_key IS NOT NULL;
CREATE INDEX messages_by_expiry ON messages (expires_at);
CREATE UNIQUE INDEX messages_by_lease ON messages (lease) WHERE lease IS NOT NULL;
CREATE TRIGGER messages_insert AFTER INSERT ON messages BEGIN
  UPDATE queues SET messages = messages + 1,
    bytes = bytes + octet_length(new.body) + ifnull(octet_length(new.ordering_key), 0) WHERE number = new.queue;
END;
CREATE TRIGGER messages_delete AFTER DELETE ON messages BEGIN
  UPDATE queues SET messages = messages - 1,
    bytes = bytes - octet_length(old.body) - ifnull(octet_length(old.ordering_key), 0) WHERE number = old.queue;
  UPDATE messages SET at_head = 1 WHERE old.ordering_key IS NOT NULL AND sequence =
    (SELECT sequence FROM messages WHERE queue = old.queue AND ordering_key = old.ordering_key ORDER BY sequence LIMIT 1);
END;

CREATE TABLE deduplications (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  message TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deduplications_by_expiry ON deduplications (expires_at);
CREATE TRIGGER deduplications_insert AFTER INSERT ON deduplications BEGIN
  UPDATE queues SET deduplications = deduplications + 1 WHERE number = new.queue;
END;
CREATE TRIGGER deduplications_delete AFTER DELETE ON deduplications BEGIN
  UPDATE queues SET deduplications = deduplications - 1 WHERE number = old.queue;
END;

CREATE TABLE queue_orphans (queue INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER queues_delete AFTER DELETE ON queues WHEN old.messages > 0 OR old.deduplications > 0 BEGIN
  INSERT INTO queue_orphans VALUES (old.number);
END;
CREATE TRIGGER tenants_delete_queues AFTER DELETE ON tenants BEGIN
  DELETE FROM queues WHERE tenant = old.number;
END;
`
