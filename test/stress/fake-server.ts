import type { Door, DoorAnswer } from '../../src/stress/door.ts'

/** What the fake server gets wrong. Everything is right if it is empty. */
export interface Lies {
  /** Fields of the answer to an attacker's run. */
  readonly answer?: (knows: { secret: string }) => object
  /** Fields of the record of an attacker's run. */
  readonly record?: object
  /** Instead of an answer to an attacker's run. */
  readonly refusal?: DoorAnswer
  /** The answer to an attacker's next run. */
  readonly next?: object
  /** How often each run is in the ledger. */
  readonly copies?: number
  readonly verifies?: boolean
  readonly health?: number
  /** What a quiet tenant's run returns. */
  readonly quiet?: string
  /** Whether tenants can be deleted. */
  readonly keeps?: 'tenants'
}

export interface FakeServer extends Door {
  readonly tenants: ReadonlySet<string>
  readonly policies: ReadonlyMap<string, any>
}

const answerOf = (status: number, body: unknown, headers = {}): DoorAnswer => ({
  status,
  headers,
  body: JSON.stringify(body),
})

/** A server that runs nothing: attackers’ code ends as `ok` with 1, unless a lie says otherwise. */
export function createFakeServer(lies: Lies = {}): FakeServer {
  const tenants = new Set<string>()
  const policies = new Map<string, unknown>()
  const runs = new Map<string, { tenant: string; status: string }>()
  let secret = ''
  let count = 0

  const run = (tenant: string, change: object): object => {
    const runId = `run_${(count += 1)}`
    const answer = { runId, status: 'ok', result: 1, logs: [], usage: { wallMs: 1 }, ...change }
    runs.set(runId, { tenant, status: answer.status })
    return answer
  }
  const execute = (tenant: string, text: string): DoorAnswer => {
    const body = JSON.parse(text)
    if (tenant.includes('quiet')) {
      secret = body.input.secret
      return answerOf(200, run(tenant, { result: lies.quiet ?? 'whole' }))
    }
    if (body.code === 'return 6 * 7') return answerOf(200, run(tenant, { result: 42, ...lies.next }))
    return lies.refusal ?? answerOf(200, run(tenant, lies.answer?.({ secret }) ?? {}))
  }

  return {
    tenants,
    policies,
    async request(method, path, options = {}) {
      const [, , , tenant = '', kind = '', id = ''] = path.split(/[/?]/)
      if (path === '/healthz' || path === '/readyz') return answerOf(lies.health ?? 200, { walls: 'B' })
      if (path === '/v1/tenants') return answerOf(200, { tenants: [...tenants].map((name) => ({ tenant: name })) })
      if (kind === 'execute') return execute(tenant, options.body ?? '')
      if (kind === 'bill') return answerOf(200, { ok: lies.verifies ?? true })
      if (kind === 'runs' && id.startsWith('run_')) return answerOf(200, { runId: id, ...runs.get(id), ...lies.record })
      if (kind === 'runs') {
        const own = [...runs]
          .filter(([, one]) => one.tenant === tenant)
          .map(([runId, { status }]) => ({ runId, status }))
        return answerOf(200, { runs: Array.from({ length: lies.copies ?? 1 }, () => own).flat() })
      }
      if (method === 'DELETE') {
        if (lies.keeps === undefined) tenants.delete(tenant)
        return answerOf(204, undefined)
      }
      tenants.add(tenant)
      policies.set(tenant, JSON.parse(options.body ?? '{}').policy)
      return answerOf(201, {})
    },
  }
}
