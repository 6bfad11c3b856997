import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ExecutionStore, JournalEntry, StepAnswer } from '../../../src/core/durable.ts'
import { createRunIds } from '../../../src/core/ids.ts'
import { epochMillis, millis } from '../../../src/core/quantity.ts'
import { ExecutionJournal } from '../../../src/events/durable/execution-journal.ts'

/** A journal that is kept in memory over any number of runs. */
class Kept implements Pick<ExecutionStore, 'record' | 'takeEvent'> {
  readonly entries = new Map<string, JournalEntry>()
  readonly events: { name: string; payload: string }[] = []
  now = 1_000
  readonly #id = createRunIds(() => this.now)()

  async record(_: unknown, entry: JournalEntry): Promise<boolean> {
    this.entries.set(entry.id, entry)
    return true
  }

  async takeEvent(_: unknown, entry: JournalEntry): Promise<string | undefined> {
    const at = this.events.findIndex(({ name }) => name === entry.name)
    if (at < 0) return undefined
    const [event] = this.events.splice(at, 1)
    this.entries.set(entry.id, { ...entry, state: 'done', value: event!.payload })
    return event!.payload
  }

  open(version = 1): ExecutionJournal {
    const grant = {
      operations: 100,
      executions: 1,
      entries: 50,
      valueBytes: 100,
      journalBytes: 1_000,
      waitSeconds: 100,
    }
    const clock = { now: () => epochMillis(this.now), elapsed: () => millis(this.now) }
    return new ExecutionJournal({
      clock,
      store: this,
      id: this.#id,
      version,
      grant,
      entries: [...this.entries.values()],
    })
  }
}

const stepOf = (id: string) =>
  ({ id, kind: 'step', name: id, retries: 2, backoff: millis(100) }) as Parameters<ExecutionJournal['begin']>[0]

/** Branches that go on side by side, each a list of steps, in the order of `picks`; stops after `stopAt` steps that were done. */
async function runBranches(
  journal: ExecutionJournal,
  branches: readonly (readonly string[])[],
  picks: readonly number[],
  stopAt = Infinity,
): Promise<{ done: string[]; called: string[] }> {
  const at = branches.map(() => 0)
  const parked = new Set<number>()
  const done: string[] = []
  const called: string[] = []
  for (let turn = 0; at.some((place, index) => place < branches[index]!.length) && done.length < stopAt; turn += 1) {
    const open = branches
      .map((_, index) => index)
      .filter((index) => at[index]! < branches[index]!.length && !parked.has(index))
    if (open.length === 0) break
    const branch = open[(picks[turn % picks.length] ?? 0) % open.length]!
    const id = branches[branch]![at[branch]!]!
    const answer: StepAnswer = await journal.begin(stepOf(id))
    if (answer.release === true) parked.clear()
    if (answer.state === 'parked') {
      parked.add(branch)
      continue
    }
    if (answer.state === 'run') {
      called.push(id)
      await journal.complete(id, `"${id}"`)
    }
    done.push(id)
    at[branch] = at[branch]! + 1
  }
  return { done, called }
}

test('branches may come to their steps in any order in each run: every step is done once, and nothing is a mismatch', async () => {
  const picks = fc.array(fc.nat(5), { minLength: 1, maxLength: 30 })
  const shape = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 })
  const runs = fc.array(fc.record({ picks, stopAt: fc.nat(12) }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(shape, runs, picks, async (lengths, interrupted, last) => {
      const branches = lengths.map((length, branch) => Array.from({ length }, (_, step) => `${branch}.${step}`))
      const kept = new Kept()
      const called: string[] = []
      for (const { picks: order, stopAt } of interrupted) {
        called.push(...(await runBranches(kept.open(), branches, order, stopAt)).called)
      }
      const journal = kept.open(2)
      const { done, called: rest } = await runBranches(journal, branches, last)
      expect(done.toSorted()).toEqual(branches.flat().toSorted())
      expect([...called, ...rest].toSorted()).toEqual(branches.flat().toSorted())
      expect(journal.mismatchAt('returned')).toBeUndefined()
    }),
    { numRuns: 200 },
  )
})

test('a step that is new before the old ones were met is parked, and named if the run comes to rest so', async () => {
  const kept = new Kept()
  await runBranches(kept.open(), [['a', 'b']], [0])
  const journal = kept.open()
  expect(await journal.begin(stepOf('a'))).toMatchObject({ state: 'done', value: '"a"' })
  expect(await journal.begin(stepOf('x'))).toEqual({ state: 'parked' })
  expect(journal.mismatchAt('suspended')).toBe('the code comes to step "x" where the journal has step "b"')
  expect(await journal.begin(stepOf('b'))).toMatchObject({ state: 'done', release: true })
  expect(await journal.begin(stepOf('x'))).toEqual({ state: 'run', attempt: 1 })
  expect(journal.mismatchAt('suspended')).toBeUndefined()
  await expect(kept.open().begin({ ...stepOf('a'), kind: 'sleep' })).rejects.toMatchObject({ code: 'JOURNAL_MISMATCH' })
})

test('a failed step is due again after a pause that doubles, as often as it may, and its error is kept', async () => {
  const kept = new Kept()
  const error = '{"name":"Error","message":"no","stack":""}'
  for (const [pause, attempt] of [
    [100, 1],
    [200, 2],
  ] as const) {
    const journal = kept.open()
    expect(await journal.begin(stepOf('s'))).toMatchObject({ state: 'run', attempt })
    expect(await journal.fail('s', error, { final: false })).toEqual({ state: 'wait' })
    expect(journal.dueAt).toBe(kept.now + pause)
    kept.now += pause - 1
    expect(await kept.open().begin(stepOf('s'))).toMatchObject({ state: 'wait' })
    kept.now += 1
  }
  const journal = kept.open()
  await journal.begin(stepOf('s'))
  expect(await journal.fail('s', error, { final: false })).toEqual({ state: 'failed', error })
  expect(await kept.open().begin(stepOf('s'))).toMatchObject({ state: 'failed', error })
  await expect(journal.complete('s', '1')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('an event that comes is given once, one that does not is a timeout, and a journal that is full refuses more', async () => {
  const kept = new Kept()
  const event = (id: string) => ({ ...stepOf(id), kind: 'event', name: 'go', until: epochMillis(2_000) }) as const
  kept.events.push({ name: 'go', payload: '7' })
  const journal = kept.open()
  expect(await journal.begin(event('event:go'))).toEqual({ state: 'done', value: '7' })
  expect(await journal.begin(event('event:go#2'))).toEqual({ state: 'wait' })
  kept.now = 2_000
  const late = kept.open()
  expect(await late.begin(event('event:go'))).toMatchObject({ state: 'done', value: '7' })
  expect(await late.begin(event('event:go#2'))).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('TIMEOUT'),
  })
  await late.begin(stepOf('large'))
  await expect(late.complete('large', 'x'.repeat(1_000))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
  for (let n = 3; n < 50; n += 1) await late.begin(stepOf(`s${n}`))
  await expect(late.begin(stepOf('more'))).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' })
})
