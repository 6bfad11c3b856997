/** Webhooks of tenants, with sealed secrets, and what is to be sent to them. */
export const webhooks = `
CREATE TABLE webhooks (
  tenant INTEGER NOT NULL REFERENCES tenants (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  sealed TEXT NOT NULL,
  reach TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
  row INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  webhook TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting',
  attempts INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  at INTEGER NOT NULL,
  error TEXT,
  UNIQUE (tenant, webhook, id),
  FOREIGN KEY (tenant, webhook) REFERENCES webhooks (tenant, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (at) WHERE state = 'waiting';
`
