import { expect, test } from 'vitest'
import { startServer } from './server.ts'

const LOOP = { code: 'for (;;);' }
const QUICK = { code: 'return 1' }
const ROUNDS = 8

test('runs of a tenant that loop take nothing from its runs that do not: each ends as it deserves, and pays for itself', async () => {
  await using server = await startServer()
  // One cell for all of them, so that the quick ones stand in line with the loops.
  await server.tenant('ann', {
    policy: { extends: 'strict', limits: { queueWaitMs: 60_000 }, rate: { deathsBurst: 100 } },
  })
  const ends = { loops: new Set<string>(), quick: new Set<string>() }
  for (let round = 0; round < ROUNDS; round += 1) {
    const bodies = [QUICK, LOOP, QUICK, QUICK, QUICK, LOOP, QUICK, QUICK]
    const answers = await Promise.all(bodies.map((body) => server.run('ann', body)))
    for (const [index, { body }] of answers.entries()) {
      const { status, usage } = body
      // Which of its limits a loop meets first is the machine's business.
      if (bodies[index] === LOOP) ends.loops.add(status === 'timeout' ? 'cpu-exceeded' : status)
      // A quick run takes a millisecond; four units are somebody else's time on any machine.
      else ends.quick.add(usage.units < 4 ? status : `${status} for ${usage.units} units`)
    }
  }
  expect(ends).toEqual({ loops: new Set(['cpu-exceeded']), quick: new Set(['ok']) })
})
