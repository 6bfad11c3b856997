import { grant, whole } from '../fields.ts'

const KIB = 1024
const MIB = 1024 * KIB
const TIB = 1024 * 1024 * MIB

/** What a policy says of `docs`. */
export const docs = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Document operations of one run; a transaction counts as many as it has changes.',
    bounds: 'null removes docs altogether; each operation is work for the host.',
  }),
  documentBytes: whole({
    min: 2,
    max: MIB,
    about: 'Length of a document as JSON in bytes.',
    bounds: 'the shortest document there is; a patch takes a whole document apart and puts it together again.',
  }),
  documents: whole({
    min: 1,
    max: 100_000_000,
    about: 'Documents that the tenant may keep.',
    bounds: 'more belongs in a database of the tenant’s own.',
  }),
  storedBytes: whole({
    min: KIB,
    max: TIB,
    about: 'Documents and their ids that the tenant may keep, together, in bytes.',
    bounds: 'less holds nothing; more than one embedded database should hold.',
  }),
  collections: whole({
    min: 1,
    max: 1_000,
    about: 'Collections that the tenant may have.',
    bounds: 'a write adds up what is in all of them.',
  }),
  indexes: whole({
    min: 0,
    max: 64,
    about: 'Indexes of one collection.',
    bounds: '0 finds by id alone; each index is written with each document.',
  }),
})
