import fc from 'fast-check'
import { createBroker } from '../../src/broker/broker.ts'
import { createKvCapability } from '../../src/broker/kv.ts'
import { createSqlCapability } from '../../src/broker/sql.ts'
import { Databases } from '../../src/broker/sql/databases.ts'
import { systemClock } from '../../src/core/clock.ts'
import { parseTenantId } from '../../src/core/ids.ts'
import type { KvGrant, SqlGrant } from '../../src/core/policy.ts'
import { bytes, millis } from '../../src/core/quantity.ts'
import type { Session } from '../../src/core/run.ts'
import { loadPolicies } from '../../src/policy/load.ts'
import { openTemporaryStores } from '../../src/store/sqlite/open.ts'
import { createVault } from '../../src/vault/vault.ts'
import { ticketOf } from '../scheduler/ticket.ts'
import { type Effort, type Gate, type GateResult, type Random, Tally, randomOf } from './gate.ts'

const TRIALS = { full: 1_000_000, short: 10_000 }
/** Calls in flight together, so that writes share their commits. */
const BATCH = 500
const OPERATIONS = [
  'get',
  'getWithMetadata',
  'getMany',
  'put',
  'putMany',
  'delete',
  'deleteMany',
  'list',
  'increment',
  'compareAndSet',
] as const
/** Without a database: what comes in is read and checked to the end, and then there is none of that name. */
const SQL_OPERATIONS = ['query', 'begin', 'queryIn', 'commit', 'rollback'] as const
/** What a broker may answer a guest. UNAVAILABLE is not among them: it would be a fault of the host's. */
const REFUSALS: ReadonlySet<unknown> = new Set(['INVALID_ARGUMENT', 'QUOTA_EXCEEDED', 'UNKNOWN_OPERATION'])
const CANARY = 'the canary of somebody else'

const GRANT: KvGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  keyBytes: bytes(64),
  valueBytes: bytes(512),
  keys: 1_000,
  storedBytes: bytes(200_000),
}

const SQL_GRANT: SqlGrant = {
  operations: Number.MAX_SAFE_INTEGER,
  connections: 1,
  waiting: 1,
  statementBytes: 512,
  rows: 10,
  resultBytes: 1_000,
}

/** Calls of a hostile cell, past the frames: any operation, any text as its arguments. */
export const callArguments: Gate = {
  name: 'arguments',
  about:
    'changed texts as names and arguments of capability calls, against a real store, with another tenant’s data in it',
  async run(effort) {
    await using stores = await openTemporaryStores({ clock: systemClock })
    const faults: unknown[] = []
    using databases = new Databases({
      store: stores.sqlBindings,
      vault: createVault('the key of a vault that holds nothing'),
      clock: systemClock,
      connectionsMax: 1,
      idle: millis(1),
    })
    const broker = createBroker({
      capabilities: [createKvCapability({ store: stores.kv, clock: systemClock }), createSqlCapability({ databases })],
      clock: systemClock,
      onFault: (operation, error) => faults.push(`${operation}: ${String(error)}`),
    })
    const policy = { ...loadPolicies([]).resolve('default'), capabilities: { kv: GRANT, sql: SQL_GRANT } }
    for (const name of ['hostile', 'neighbour']) {
      const id = parseTenantId(name)
      const now = systemClock.now()
      if (id !== undefined)
        await stores.tenants.put({ id, policy: 'default', budget: {}, createdAt: now, updatedAt: now })
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
    for (const verb of OPERATIONS) {
      const [counted, made] = [session.operations[`kv.${verb}`] ?? 0, this.#reached.of(`kv.${verb}`)]
      // A batch counts as many operations as it has keys.
      const isRight = verb.endsWith('Many') ? counted >= made : counted === made
      if (!isRight) this.#violations.push(`kv.${verb} was counted ${counted} times and called ${made} times`)
    }
    return { figures: [{ name: 'calls', value: trials }, ...this.#tally.figures], violations: this.#violations }
  }

  async #try(session: Session): Promise<void> {
    const name = this.#name()
    const payload = this.#payload()
    if (OPERATIONS.some((verb) => name === `kv.${verb}`)) this.#reached.add(name)
    try {
      const { ok, text } = await session.call(name, payload)
      if (text.includes(CANARY)) this.#violations.push(`another tenant’s value was given to ${name} ${payload}`)
      const value: unknown = text === '' ? undefined : JSON.parse(text)
      const code = ok ? 'answered' : (value as { code: unknown }).code
      if (!ok && !REFUSALS.has(code)) this.#violations.push(`${text}: ${name} ${payload.slice(0, 300)}`)
      this.#tally.add(ok ? 'answered' : `refused: ${String(code)}`)
    } catch (error) {
      this.#violations.push(`the session threw ${String(error)}: ${name} ${payload.slice(0, 300)}`)
    }
  }

  #name(): string {
    if (this.#random(4) === 0) return `sql.${SQL_OPERATIONS[this.#random(SQL_OPERATIONS.length)]}`
    const name = `kv.${OPERATIONS[this.#random(OPERATIONS.length)]}`
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
    const values = await Promise.all(keys.map((key) => session.call('kv.get', JSON.stringify([key]))))
    const list = await session.call('kv.list', '[]')
    return JSON.stringify([values, list])
  }
}

/** Arguments that mean something, and some that nearly do. */
function sampleTexts(seed: number): readonly string[] {
  const key = fc.oneof(
    fc.constantFrom('key', 'a', '__proto__', '\0', 'x'.repeat(64), 'x'.repeat(65)),
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
  const statement = fc.oneof(
    key,
    fc.constantFrom('SELECT $1', '/* /* */ copy */ select', '-- \n', ';;begin', 'rollback to s', '\ud800'),
  )
  const mode = fc.record(
    { isolation: fc.constantFrom('serializable', 'chaos', null, 1), readOnly: fc.constantFrom(true, 'yes', null) },
    { requiredKeys: [] },
  )
  const database = fc.oneof(fc.constantFrom('default', 'reports', '../default', ''), key)
  const list = fc.oneof(
    fc.tuple(database, statement, fc.oneof(fc.array(value, { maxLength: 4 }), value)),
    fc.tuple(fc.oneof(fc.nat(3), value), statement, fc.array(value, { maxLength: 4 })),
    fc.tuple(database, mode),
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
