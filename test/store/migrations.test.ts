import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { SCHEMA_VERSION, migrate } from '../../src/store/sqlite/migrations.ts'

function schemaOf(database: DatabaseSync): unknown {
  return database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all()
}

test('a new database gets the whole schema, and migrating again changes nothing', () => {
  using database = new DatabaseSync(':memory:')
  migrate(database)
  const schema = schemaOf(database)
  migrate(database)
  expect(schemaOf(database)).toEqual(schema)
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: SCHEMA_VERSION })
})

test('a database of a newer version is refused and left as it is', () => {
  using database = new DatabaseSync(':memory:')
  migrate(database)
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
  expect(() => migrate(database)).toThrow(
    `the database has schema version ${SCHEMA_VERSION + 1}, but this version of Cloister knows 1 to ${SCHEMA_VERSION}`,
  )
})

test('a database that is not Cloister’s is refused and left as it is', () => {
  using database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE theirs (a)')
  const schema = schemaOf(database)
  expect(() => migrate(database)).toThrow('the database was not made by Cloister')
  expect(schemaOf(database)).toEqual(schema)
})

test('a migration that fails half-way leaves no trace', () => {
  using database = new DatabaseSync(':memory:')
  database.exec(`PRAGMA application_id = ${0x436c7374}; CREATE TABLE kv (a)`)
  const schema = schemaOf(database)
  expect(() => migrate(database)).toThrow('table kv already exists')
  expect(schemaOf(database)).toEqual(schema)
  expect(database.isTransaction).toBe(false)
})
