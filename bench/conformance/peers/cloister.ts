import { createCloister } from '../../../src/index.ts'
import { describeMachine } from '../../results.ts'
import { GRACE_MS, type Peer } from '../peer.ts'

/**
 * Generous in what a test needs, shared memory included. The clock is as the shipped default has it: that it stands still is
 * part of what is offered.
 */
const POLICY = {
  extends: 'generous',
  limits: { memoryMb: 512, outputBytes: 8 << 20, codeBytes: 16 << 20 },
  rate: { deathsPerSecond: 1_000, deathsBurst: 100_000 },
  engine: { clock: 'frozen', sharedMemory: true },
}

/** Cloister as a library: a run a test, each in a context of its own, in real cells. */
export async function openCloister(): Promise<Peer> {
  const cloister = await createCloister({ config: { blankCells: 1 } })
  await cloister.putTenant('conformance', { policy: POLICY })
  return {
    name: 'cloister',
    version: describeMachine().commit,
    async run(program, timeoutMs) {
      const code = `const run = ${program}\nexport default () => run((0, eval))\n`
      const run = cloister.execute({ tenant: 'conformance', code, timeoutMs: timeoutMs + GRACE_MS })
      const { status, result, error } = await run
      if (status === 'ok') return { kind: 'answered', text: String(result) }
      return { kind: 'broken', why: `${status}: ${error?.name}: ${error?.message}` }
    },
    [Symbol.asyncDispose]: () => cloister.close(),
  }
}
