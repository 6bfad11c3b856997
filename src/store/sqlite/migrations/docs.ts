/**
 * Documents hang on their collection's number, entries of indexes on their index's, and neither number is ever given out
 * twice: dropping a collection, an index or a tenant is a few rows, and what is left is unreachable and purged in small steps.
 * `fields` is a JSON object of the indexed values by the index's number, before the body in the row, so that conditions are
 * tested without reading bodies. `built_to` is the last id that an index has entered of the documents that were there before
 * it; null once it has them all.
 */
export const docs = `
CREATE TABLE doc_collections (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  name TEXT NOT NULL,
  documents INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, name)
) STRICT;
CREATE TABLE doc_indexes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  collection INTEGER NOT NULL,
  path TEXT NOT NULL,
  built_to TEXT,
  UNIQUE (collection, path)
) STRICT;
CREATE TABLE docs (
  number INTEGER PRIMARY KEY,
  collection INTEGER NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  fields TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (collection, id)
) STRICT;
CREATE TABLE doc_entries (
  index_number INTEGER NOT NULL,
  value ANY NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (index_number, value, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE doc_orphans (
  kind TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (kind, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER doc_indexes_delete AFTER DELETE ON doc_indexes BEGIN
  INSERT INTO doc_orphans VALUES ('index', old.number);
END;
CREATE TRIGGER doc_collections_delete AFTER DELETE ON doc_collections BEGIN
  INSERT INTO doc_orphans VALUES ('collection', old.number);
  DELETE FROM doc_indexes WHERE collection = old.number;
END;
CREATE TRIGGER tenants_delete_docs AFTER DELETE ON tenants BEGIN
  DELETE FROM doc_collections WHERE tenant = old.number;
END;
`
