/**
 * What each blob is, and which object of the backend has its content. `blob_objects` has every object that no blob has:
 * those that are being written, and those that are to be removed. A row is there before its object and goes after it, so
 * that a crash at any moment leaves no object that nobody knows of.
 */
export const blobs = `
CREATE TABLE blobs (
  tenant INTEGER NOT NULL,
  key TEXT NOT NULL,
  object TEXT NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  content_type TEXT NOT NULL,
  metadata TEXT NOT NULL,
  uploaded_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_totals (
  tenant INTEGER PRIMARY KEY,
  blobs INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE blob_objects (
  object TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('upload', 'garbage'))
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_garbage ON blob_objects (object) WHERE state = 'garbage';
CREATE TRIGGER blobs_insert AFTER INSERT ON blobs BEGIN
  INSERT INTO blob_totals VALUES (new.tenant, 1, new.size)
    ON CONFLICT (tenant) DO UPDATE SET blobs = blobs + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER blobs_update AFTER UPDATE ON blobs BEGIN
  UPDATE blob_totals SET bytes = bytes + new.size - old.size WHERE tenant = new.tenant;
  INSERT INTO blob_objects VALUES (old.object, 'garbage');
END;
CREATE TRIGGER blobs_delete AFTER DELETE ON blobs BEGIN
  UPDATE blob_totals SET blobs = blobs - 1, bytes = bytes - old.size WHERE tenant = old.tenant;
  INSERT INTO blob_objects VALUES (old.object, 'garbage');
END;

CREATE TABLE blob_orphans (tenant INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER tenants_delete_blobs AFTER DELETE ON tenants
  WHEN EXISTS (SELECT 1 FROM blob_totals WHERE tenant = old.number) BEGIN
  INSERT INTO blob_orphans VALUES (old.number);
END;
`
