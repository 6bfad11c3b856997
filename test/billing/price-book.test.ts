import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, onTestFinished, test } from 'vitest'
import { priceBookJsonSchema } from '../../src/billing/price-book-schema.ts'
import { loadPriceBooks, parsePriceBook } from '../../src/billing/price-book.ts'
import { bookDocument } from './fixtures.ts'

const schemaFile = new URL('../../policies/prices/price-book.schema.json', import.meta.url).pathname
const sound = bookDocument({ compute: '0.0000166667', request: '0.20', read: '0.50', write: '5.00' })

function faultsOf(value: unknown): readonly string[] {
  const parsed = parsePriceBook(value)
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`)
}

test('the schema for editors is what the code checks; vitest -u writes it anew', async () => {
  const options = { ...(await resolveConfig(schemaFile)), parser: 'json' }
  await expect(await format(JSON.stringify(priceBookJsonSchema()), options)).toMatchFileSnapshot(schemaFile)
})

test('the shipped price book is sound, and its schema is beside it', () => {
  const book = loadPriceBooks()[0]!
  expect(book).toMatchObject({ name: 'default', version: 1, currency: 'USD' })
  expect(book.lines.map(({ line, unit, unitPrice }) => `${line} ${unitPrice} a ${unit}`)).toEqual([
    'compute 0.0000166667 a GB-second',
    'requests 0.0000002 a request',
    'cpu 0 a CPU-second',
    'operations:kv.read 0.0000005 a operation',
    'operations:kv.write 0.000005 a operation',
    'operations:docs.read 0.0000005 a operation',
    'operations:docs.write 0.000005 a operation',
    'operations:blobs.read 0.0000004 a operation',
    'operations:blobs.write 0.000005 a operation',
    'operations:queues.send 0.0000004 a operation',
    'operations:fetch.request 0.0000003 a operation',
    'operations:auth.read 0.0000005 a operation',
    'operations:auth.write 0.000005 a operation',
    'operations:auth.password 0.000015 a operation',
  ])
  const perMillion = (name: string) => Number((book.operationWeights.get(name)! * 1_000_000n) / book.denominator) / 1e9
  expect(['kv.put', 'kv.get', 'fetch.send', 'auth.signUp'].map(perMillion)).toEqual([5, 0.5, 0.3, 15])
  expect(book.operationWeights.has('queues.peek')).toBe(false)
  const shipped = readFileSync(join(schemaFile, '../default.json'), 'utf8')
  expect(JSON.parse(shipped)).toMatchObject({ $schema: './price-book.schema.json' })
})

test('every fault of a price book is listed with its path', () => {
  const faults = faultsOf({
    ...sound,
    name: 'Not A Name',
    version: 1.5,
    currency: 'EUR',
    effectiveFrom: '2026-02-30',
    prices: {
      computeUsdPerGbSecond: 0.1,
      requestUsdPerMillion: '-1',
      operationsUsdPerMillion: { 'kv.read': '1e3' },
      tax: '1',
    },
    operations: { 'kv.read': [], 'kv.write': ['put'] },
  })
  expect(faults).toEqual([
    'name: must be 1 to 63 of a-z, 0-9 and -, a letter first; got "Not A Name"',
    'version: must be a whole number from 1; got 1.5',
    'currency: must be "USD"; got "EUR"',
    'effectiveFrom: must be a day, YYYY-MM-DD; got "2026-02-30"',
    'prices.computeUsdPerGbSecond: must be decimal text such as "0.20": at most 9 digits and 12 decimals, no sign; got 0.1',
    'prices.requestUsdPerMillion: must be decimal text such as "0.20": at most 9 digits and 12 decimals, no sign; got "-1"',
    'prices.operationsUsdPerMillion["kv.read"]: must be decimal text such as "0.20": at most 9 digits and 12 decimals, no sign; got "1e3"',
    'prices.tax: is not a known field',
    'operations["kv.read"]: must name an operation; got []',
    'operations["kv.write"][0]: must be a name such as "kv.read": the capability, a dot, the operation; got "put"',
  ])
})

test('missing fields and wrong kinds are named', () => {
  expect(faultsOf(null)).toEqual([': must be an object; got null'])
  expect(faultsOf([])).toEqual([': must be an object; got []'])
  expect(faultsOf({ ...sound, prices: undefined })).toEqual(['prices: is missing; it must be an object'])
  expect(faultsOf({ ...sound, version: undefined })).toEqual(['version: is missing; it must be a whole number from 1'])
  expect(faultsOf({ ...sound, operations: 'all' })).toEqual([
    'operations: must be an object of operation names by line; got "all"',
  ])
  expect(faultsOf({ ...sound, operations: { ...sound.operations, Bad: ['kv.get'] } })).toEqual([
    'operations.Bad: must be a name such as "kv.read": the capability, a dot, the operation',
  ])
})

test('prices and operations name the same lines, and no operation is charged twice', () => {
  const operations = { 'kv.read': ['kv.get'], 'kv.scan': ['kv.list', 'kv.get'] }
  expect(faultsOf({ ...sound, operations })).toEqual([
    'operations["kv.write"]: is missing, but the line has a price',
    'prices.operationsUsdPerMillion["kv.scan"]: is missing, but `operations` has the line',
    'operations["kv.scan"][1]: names kv.get, which is already counted in kv.read',
  ])
})

test('loading says which file is wrong and lists its faults', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prices-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  expect(loadPriceBooks(write('sound.json', JSON.stringify(sound)))).toMatchObject([{ name: 'test' }])
  const faulty = write('faulty.json', JSON.stringify({ ...sound, version: 0, currency: 'EUR' }))
  expect(() => loadPriceBooks(faulty)).toThrow(
    `price book ${faulty}: version must be a whole number from 1; got 0; currency must be "USD"; got "EUR"`,
  )
  expect(() => loadPriceBooks(write('cut.json', '{'))).toThrow(/cut\.json: SyntaxError/)
  expect(() => loadPriceBooks(join(folder, 'absent.json'))).toThrow(
    expect.objectContaining({ code: 'INVALID_REQUEST' }),
  )
})
