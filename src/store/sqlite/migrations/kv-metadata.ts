/** Metadata of key-value entries, as JSON text. It counts as what a tenant keeps. */
export const kvMetadata = `
ALTER TABLE kv ADD COLUMN metadata TEXT;
DROP TRIGGER kv_insert;
DROP TRIGGER kv_update;
DROP TRIGGER kv_delete;
CREATE TRIGGER kv_insert AFTER INSERT ON kv BEGIN
  UPDATE tenants SET kv_keys = kv_keys + 1, kv_bytes = kv_bytes + octet_length(new.key) + octet_length(new.value)
    + coalesce(octet_length(new.metadata), 0) WHERE number = new.tenant;
END;
CREATE TRIGGER kv_update AFTER UPDATE OF value, metadata ON kv BEGIN
  UPDATE tenants SET kv_bytes = kv_bytes + octet_length(new.value) - octet_length(old.value)
    + coalesce(octet_length(new.metadata), 0) - coalesce(octet_length(old.metadata), 0) WHERE number = new.tenant;
END;
CREATE TRIGGER kv_delete AFTER DELETE ON kv BEGIN
  UPDATE tenants SET kv_keys = kv_keys - 1, kv_bytes = kv_bytes - octet_length(old.key) - octet_length(old.value)
    - coalesce(octet_length(old.metadata), 0) WHERE number = old.tenant;
END;
`
