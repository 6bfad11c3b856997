import { channel } from 'node:diagnostics_channel'
import fc from 'fast-check'
import { AUTH, AUTH_OPERATIONS, authArguments, authOver } from './auth-arguments.ts'
import { createBroker } from '../../src/broker/broker.ts'
import { createFetchCapability } from '../../src/broker/fetch.ts'
import { createDocsCapability } from '../../src/broker/docs.ts'
import { createKvCapability } from '../../src/broker/kv.ts'
import { createSecretsCapability } from '../../src/broker/secrets.ts'
import { Secrets } from '../../src/broker/secrets/secrets.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { DocsGrant, FetchGrant, KvGrant, SecretsGrant } from '../../src/core/policy.ts'
import { bytes, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { createVault } from '../../src/vault/vault.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'
import { SQL, SQL_OPERATIONS, sqlArguments, sqlOverNothing } from './sql-arguments.ts'

const TRIALS = { full: 1_000_000, short: 10_000 }
/** Calls in flight together, so that writes share their commits. */
const BATCH = 500
/** Names of operations, without those of capabilities that have a gate of their own. */
const OPERATIONS = [
  ...['get', 'getWithMetadata', 'getMany', 'put', 'putMany', 'delete', 'deleteMany', 'list', 'increment'].map(
    (verb) => `kv.${verb}`,
  ),
  'kv.compareAndSet',
  ...['insert', 'get', 'replace', 'patch', 'delete', 'find', 'transact'].map((verb) => `docs.${verb}`),
  ...['send', 'write', 'read', 'cancel'].map((verb) => `fetch.${verb}`),
  ...SQL_OPERATIONS,
  'secrets.ref',
  'secrets.reveal',
  ...AUTH_OPERATIONS,
]
/** They count as many operations as they have items. */
const BATCHES = new Set(['kv.getMany', 'kv.putMany', 'kv.deleteMany', 'docs.transact'])
/** What a broker may answer a guest. UNAVAILABLE is not among them: it would be a fault of the host's. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  'INVALID_ARGUMENT',
  'QUOTA_EXCEEDED',
  'UNKNOWN_OPERATION',
  'CONFLICT',
  'NOT_FOUND',
  'CONCURRENCY_LIMITED',
  'EGRESS_REFUSED',
  'REQUEST_TOO_LARGE',
  'RATE_LIMITED',
])
/** Of a request that the guest gave up itself before it was sent. Of any other it would mean that a socket was open. */
const GIVEN_UP = 'the request was given up'
const CANARY = 'the canary of somebody else'

const DOCS: DocsGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  documentBytes: bytes(512),
  documents: 1_000,
  storedBytes: bytes(200_000),
  collections: 10,
  indexes: 3,
}
const GRANT: KvGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  keyBytes: bytes(64),
  valueBytes: bytes(512),
  keys: 1_000,
  storedBytes: bytes(200_000),
}

const SECRETS: SecretsGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  secrets: 2,
  valueBytes: bytes(64),
  storedBytes: bytes(64),
  reveal: true,
}

/** Allows hosts of which none can be reached: a request that gets as far as a socket is a violation. */
const FETCH: FetchGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  requests: Number.MAX_SAFE_INTEGER,
  concurrency: 20,
  requestBytes: bytes(100),
  responseBytes: bytes(100),
  headerBytes: bytes(1_024),
  redirects: 1,
  timeoutMs: millis(60_000),
  allow: ['*.example', '127.0.0.1', '[::1]'].map((host) => ({ host, ports: [80, 443], methods: ['*'] })),
  privateRanges: [],
}

/** Calls of a hostile cell, past the frames: any operation, any text as its arguments. */
export const callArguments: Gate = {
  name: 'arguments',
  about:
    'changed texts as names and arguments of capability calls, against a real store, with another tenant’s data in it',
  async run(effort) {
    await using stores = await openTemporaryStores({ clock: systemClock })
    const faults: unknown[] = []
    const vault = createVault('the key of a vault for a while')
    const secrets = new Secrets({ store: stores.secrets, vault, clock: systemClock })
    await using fetch = createFetchCapability({
      secrets,
      resolve: () => Promise.resolve([{ address: '10.0.0.1', family: 4 }]),
      socketsMax: 100,
    })
    const connected = (): void => void faults.push('fetch: a socket was opened')
    channel('net.client.socket').subscribe(connected)
    using _ = { [Symbol.dispose]: () => channel('net.client.socket').unsubscribe(connected) }
    const broker = createBroker({
      capabilities: [
        createKvCapability({ store: stores.kv, clock: systemClock }),
        createDocsCapability({ store: stores.docs, clock: systemClock }),
        fetch,
        sqlOverNothing(stores.sqlBindings),
        createSecretsCapability({ secrets }),
        authOver(stores.auth),
      ],
      clock: systemClock,
      onFault: (operation, error) => faults.push(`${operation}: ${String(error)}`),
    })
    const policy = {
      ...loadPolicies([]).resolve('default'),
      capabilities: { kv: GRANT, docs: DOCS, fetch: FETCH, sql: SQL, secrets: SECRETS, auth: AUTH },
    }
    for (const name of ['hostile', 'neighbour']) {
      const id = parseTenantId(name)
      const now = systemClock.now()
      if (id === undefined) continue
      await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
      // The hostile one can have its own, and never the other's, by whatever name.
      const value = name === 'hostile' ? 'a secret of its own' : CANARY
      await secrets.put(id, name === 'hostile' ? 'MINE' : 'THEIRS', { value, hosts: ['a.example'] }, SECRETS)
    }
    const open = (tenant: string): Session => broker.open(ticketOf(tenant, policy))
    return await new ArgumentFuzz(effort, open, faults).run()
  },
}

class ArgumentFuzz {
  readonly #effort: Effort
  readonly #random: Random
  readonly #open: (tenant: string) => Session
  readonly #faults: readonly unknown[]
  readonly #tally = new Tally()
  readonly #violations: string[] = []
  readonly #texts: readonly string[]
  /** Calls that reached an operation, by its name: what the session must have counted. */
  readonly #reached = new Tally()

  constructor(effort: Effort, open: (tenant: string) => Session, faults: readonly unknown[]) {
    this.#effort = effort
    this.#random = randomOf(effort.seed)
    this.#open = open
    this.#faults = faults
    this.#texts = sampleTexts(effort.seed)
  }

  async run(): Promise<GateResult> {
    const trials = this.#effort.trials ?? TRIALS[this.#effort.form]
    const before = await this.#neighbourData('put')
    const session = this.#open('hostile')
    for (let done = 0; done < trials; done += BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, trials - done) }, () => this.#try(session)))
      if (done % 100_000 === 0 && done > 0) this.#effort.note(`${done} of ${trials}`)
    }
    const after = await this.#neighbourData('look')
    if (after !== before) this.#violations.push(`another tenant’s data went from ${before} to ${after}`)
    for (const fault of this.#faults.slice(0, 20)) this.#violations.push(`a fault of the host’s: ${String(fault)}`)
    for (const name of OPERATIONS) {
      const [counted, made] = [session.operations[name] ?? 0, this.#reached.of(name)]
      // A batch counts as many operations as it has keys.
      const isRight = BATCHES.has(name) ? counted >= made : counted === made
      if (!isRight) this.#violations.push(`${name} was counted ${counted} times and called ${made} times`)
    }
    return { figures: [{ name: 'calls', value: trials }, ...this.#tally.figures], violations: this.#violations }
  }

  async #try(session: Session): Promise<void> {
    const name = this.#name()
    const payload = this.#payload()
    if (OPERATIONS.includes(name)) this.#reached.add(name)
    try {
      const { ok, text } = await session.call(name, payload)
      if (text.includes(CANARY)) this.#violations.push(`another tenant’s value was given to ${name} ${payload}`)
      const value: unknown = text === '' ? undefined : JSON.parse(text)
      const { code, message } = ok ? { code: 'answered' } : (value as { code: unknown; message?: unknown })
      const isGivenUp = name === 'fetch.send' && code === 'CONNECTION_LOST' && message === GIVEN_UP
      if (!ok && !isGivenUp && !REFUSALS.has(code)) this.#violations.push(`${text}: ${name} ${payload.slice(0, 300)}`)
      this.#tally.add(ok ? 'answered' : `refused: ${String(code)}`)
    } catch (error) {
      this.#violations.push(`the session threw ${String(error)}: ${name} ${payload.slice(0, 300)}`)
    }
  }

  #name(): string {
    const name = OPERATIONS[this.#random(OPERATIONS.length)] ?? 'kv.get'
    if (this.#random(20) > 0) return name
    const odd = [
      '__proto__',
      'constructor',
      'kv',
      'kv.',
      'kv.__proto__',
      'KV.get',
      'kv.get\0',
      'toString',
      name.slice(1),
    ]
    return odd[this.#random(odd.length)] ?? name
  }

  /** A list of arguments as a cell of ours would write it, changed in up to two places. */
  #payload(): string {
    const { length } = this.#texts
    let text = this.#texts[this.#random(length)] ?? '[]'
    for (let count = this.#random(3); count > 0; count -= 1) {
      const at = this.#random(text.length + 1)
      const other = this.#texts[this.#random(length)] ?? '[]'
      const piece = other.slice(this.#random(other.length), this.#random(other.length) + 1)
      const to = at + this.#random(8)
      text =
        text.slice(0, at) + (this.#random(2) === 0 ? piece : String.fromCharCode(this.#random(256))) + text.slice(to)
    }
    return text
  }

  /** All of the neighbour's data as text. */
  async #neighbourData(what: 'put' | 'look'): Promise<string> {
    const session = this.#open('neighbour')
    const keys = ['key', 'a', '', '__proto__', '\0'].filter((key) => key !== '')
    if (what === 'put') for (const key of keys) await session.call('kv.put', JSON.stringify([key, CANARY]))
    if (what === 'put') {
      const collection = { name: 'c', indexes: ['a', 'b.c'] }
      for (const id of keys) await session.call('docs.insert', JSON.stringify([collection, { a: CANARY }, { id }]))
    }
    const documents = await session.call('docs.find', JSON.stringify(['c', { sort: 'a' }]))
    const values = await Promise.all(keys.map((key) => session.call('kv.get', JSON.stringify([key]))))
    const list = await session.call('kv.list', '[]')
    return JSON.stringify([values, list, documents])
  }
}

/** Arguments that mean something, and some that nearly do. */
function sampleTexts(seed: number): readonly string[] {
  const key = fc.oneof(
    fc.constantFrom('key', 'a', 'MINE', 'THEIRS', '__proto__', '\0', 'x'.repeat(64), 'x'.repeat(65)),
    fc.string({ maxLength: 20 }),
  )
  const value = fc.jsonValue({ maxDepth: 3 })
  const options = fc.oneof(
    fc.record(
      { ttlSeconds: fc.oneof(fc.nat(), fc.double(), fc.constantFrom(0, -1, 1e300, '60', null)) },
      { requiredKeys: [] },
    ),
    fc.record({ prefix: key, limit: fc.integer({ min: -1, max: 1_001 }), cursor: key }, { requiredKeys: [] }),
    fc.constantFrom(JSON.parse('{"__proto__":{"limit":1}}') as object, null, 5, 'x', [], {
      constructor: { prototype: {} },
    }),
  )
  const collection = fc.oneof(
    fc.constantFrom('c', '__proto__', 'no such', '', 5),
    fc.record({
      name: fc.constant('c'),
      indexes: fc.constantFrom(['a', 'b.c'], ['a'], ['__proto__'], ['a', 'b', 'c', 'd'], 'a', [5]),
    }),
  )
  const scalar = fc.oneof(
    fc.constantFrom(0, -1, 'x', '', true, null, '\ud800'),
    fc.double(),
    fc.string({ maxLength: 5 }),
  )
  const document = fc.oneof(
    fc.record({ a: scalar, b: fc.oneof(scalar, fc.record({ c: scalar })) }, { requiredKeys: [] }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), value, { maxKeys: 3 }),
    value,
  )
  const condition = fc.oneof(
    scalar,
    fc.dictionary(
      fc.constantFrom('eq', 'in', 'gt', 'gte', 'lt', 'lte'),
      fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })),
      { maxKeys: 2 },
    ),
  )
  const versions = fc.record(
    { ifVersion: fc.integer({ min: -1, max: 3 }), upsert: fc.boolean(), id: key },
    { requiredKeys: [] },
  )
  const find = fc.record(
    {
      where: fc.dictionary(fc.constantFrom('a', 'b.c', '__proto__', 'd', '.'), condition, { maxKeys: 2 }),
      sort: fc.constantFrom('a', '-b.c', ['a', '-b.c'], ['a', 'a'], '-', 5, []),
      limit: fc.integer({ min: 0, max: 3 }),
      cursor: fc.oneof(key, fc.constantFrom(Buffer.from('["a",["x"],"key"]').toString('base64url'))),
    },
    { requiredKeys: [] },
  )
  const change = fc.record(
    {
      op: fc.constantFrom('insert', 'replace', 'put', 'patch', 'delete', 'check', 'other'),
      collection: fc.constantFrom('c', 'd', '__proto__'),
      id: key,
      data: document,
      ifVersion: fc.integer({ min: 0, max: 3 }),
    },
    { requiredKeys: ['op', 'collection'] },
  )
  const host = fc.constantFrom(
    'a.example',
    '127.0.0.1',
    '[::1]',
    '0x7f.1',
    'localhost',
    'user@a.example',
    'a.example.',
    'x',
  )
  const id = fc.oneof(fc.nat(50), fc.constantFrom(0, -1, 2 ** 31, 1.5, '1'))
  const request = fc.record(
    {
      id,
      url: fc.tuple(fc.constantFrom('http', 'https', 'ftp'), host, fc.webPath()).map(([a, b, c]) => `${a}://${b}${c}`),
      method: fc.constantFrom('GET', 'POST', 'CONNECT', 'get', 'X\r\nY'),
      headers: fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })), { maxLength: 3 }),
      redirect: fc.constantFrom('follow', 'manual', 'error', 'x'),
      body: fc.base64String({ maxLength: 160 }),
      stream: fc.boolean(),
    },
    { requiredKeys: ['id', 'url', 'method'] },
  )
  const list = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(request) },
    fc.tuple(id, fc.option(fc.base64String({ maxLength: 160 }))),
    sqlArguments(key, value),
    authArguments(key, value),
    fc.tuple(collection, document, versions),
    fc.tuple(collection, key, document, versions),
    fc.tuple(collection, key, versions),
    fc.tuple(collection, find),
    fc.tuple(fc.array(change, { maxLength: 4 })),
    fc.tuple(fc.array(fc.record({ key, value, metadata: value }, { requiredKeys: ['key'] }), { maxLength: 4 })),
    fc.tuple(fc.array(key, { maxLength: 4 })),
    fc.tuple(key),
    fc.tuple(key, value),
    fc.tuple(key, value, options),
    fc.tuple(key, fc.option(value), value, options),
    fc.tuple(options),
    fc.tuple(key, fc.oneof(fc.double(), fc.constantFrom(1e308, -1e308, Number.MAX_SAFE_INTEGER, null))),
    fc.array(value, { maxLength: 6 }),
  )
  return fc.sample(list, { numRuns: 3_000, seed }).map((args) => JSON.stringify(args))
}
