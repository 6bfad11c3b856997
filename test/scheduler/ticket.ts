import { artifactId, createRunIds, parseTenantId } from '../../src/core/ids.ts'
import type { Policy } from '../../src/core/policy.ts'
import { bytes, epochMillis } from '../../src/core/quantity.ts'
import type { Ticket } from '../../src/core/run.ts'

const newRunId = createRunIds(() => 1_000)

/** A ticket for a run without code: for stages that never look at it. */
export function ticketOf(name: string, policy: Policy): Ticket {
  const tenant = parseTenantId(name)
  if (tenant === undefined) throw new Error(`${name} is no tenant`)
  const artifact = {
    id: artifactId('0'.repeat(64)),
    language: 'javascript',
    main: 'main.js',
    modules: new Map(),
    size: bytes(0),
  } as const
  return {
    run: newRunId(),
    request: { tenant, trigger: 'execute', artifact, input: Buffer.from('null') },
    policy,
    reuse: 'context',
    wall: policy.limits.wall,
    admittedAt: epochMillis(0),
    [Symbol.dispose]() {},
  }
}
