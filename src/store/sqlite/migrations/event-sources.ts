/**
 * What a function is triggered by: the entries of `triggers` in the configuration of the version that its alias `live` names.
 * They follow every move of the alias, whatever moves it; an entry that stays the same stays the same row, so that a schedule
 * does not begin anew with each deployment.
 */
export const eventSources = `
CREATE TABLE function_triggers (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant INTEGER NOT NULL,
  function INTEGER NOT NULL REFERENCES functions (number) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  config TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER,
  last_at INTEGER,
  UNIQUE (function, config)
) STRICT;
CREATE INDEX function_triggers_by_subject ON function_triggers (tenant, kind, subject);
CREATE INDEX function_triggers_by_kind ON function_triggers (kind, number);
CREATE INDEX function_triggers_due ON function_triggers (next_at) WHERE kind = 'schedule' AND paused = 0;

CREATE TRIGGER aliases_insert_triggers AFTER INSERT ON aliases WHEN new.name = 'live' BEGIN
  INSERT OR IGNORE INTO function_triggers (tenant, function, kind, subject, config)
    SELECT f.tenant, f.number,
      CASE WHEN t.value ->> 'queue' IS NOT NULL THEN 'queue' WHEN t.value ->> 'schedule' IS NOT NULL THEN 'schedule'
        WHEN t.value ->> 'blob' IS NOT NULL THEN 'blob' ELSE 'doc' END,
      coalesce(t.value ->> 'queue', t.value ->> 'schedule', t.value ->> 'blob', t.value ->> 'doc'), t.value
    FROM functions f JOIN function_versions v ON v.function = f.number AND v.version = new.version
      JOIN json_each(v.config, '$.triggers') t
    WHERE f.number = new.function;
END;
CREATE TRIGGER aliases_update_triggers AFTER UPDATE OF version ON aliases WHEN new.name = 'live' BEGIN
  DELETE FROM function_triggers WHERE function = new.function AND config NOT IN
    (SELECT t.value FROM function_versions v JOIN json_each(v.config, '$.triggers') t
      WHERE v.function = new.function AND v.version = new.version);
  INSERT OR IGNORE INTO function_triggers (tenant, function, kind, subject, config)
    SELECT f.tenant, f.number,
      CASE WHEN t.value ->> 'queue' IS NOT NULL THEN 'queue' WHEN t.value ->> 'schedule' IS NOT NULL THEN 'schedule'
        WHEN t.value ->> 'blob' IS NOT NULL THEN 'blob' ELSE 'doc' END,
      coalesce(t.value ->> 'queue', t.value ->> 'schedule', t.value ->> 'blob', t.value ->> 'doc'), t.value
    FROM functions f JOIN function_versions v ON v.function = f.number AND v.version = new.version
      JOIN json_each(v.config, '$.triggers') t
    WHERE f.number = new.function;
END;
CREATE TRIGGER aliases_delete_triggers AFTER DELETE ON aliases WHEN old.name = 'live' BEGIN
  DELETE FROM function_triggers WHERE function = old.function;
END;

ALTER TABLE dead_letters ADD COLUMN event TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
`
