import { expect, onTestFinished, test } from 'vitest'
import { emit } from '../../src/core/events.ts'
import { parseFunctionName } from '../../src/core/ids.ts'
import type { TailFilter, TailItem } from '../../src/core/log-tail.ts'
import type { RunStatus } from '../../src/core/outcome.ts'
import { LogTail } from '../../src/telemetry/log-tail.ts'
import { MemoryRuns, USAGE, tenant } from '../gateway/world.ts'

const ann = tenant('ann')
const checkout = { name: parseFunctionName('checkout')!, version: 1 }

function openTail(quietMs = 60_000) {
  const runs = new MemoryRuns()
  const tail = new LogTail({ find: (owner, run) => runs.find(owner, run), quietMs })
  onTestFinished(() => tail[Symbol.dispose]())
  /** A run that ended, with one line. */
  const end = (line: string, change: { owner?: string; status?: RunStatus; function?: typeof checkout } = {}): void => {
    const { owner = 'ann', status = 'ok', function: deployed } = change
    const { run } = runs.add({ tenant: tenant(owner), details: { logs: [{ level: 'info', message: line }] } })
    emit('run.finished', {
      run,
      tenant: tenant(owner),
      status,
      usage: USAGE,
      queuedMs: 0,
      ...(deployed && { function: deployed }),
    })
  }
  const follow = (filter: TailFilter = {}, signal: AbortSignal = new AbortController().signal) =>
    tail.follow(ann, filter, signal)[Symbol.asyncIterator]()
  return { tail, end, follow }
}

async function next(items: AsyncIterator<TailItem>): Promise<string> {
  const { done, value } = await items.next()
  if (done === true) return 'the end'
  const item = value as TailItem
  if (item.kind === 'run') return item.run.details.logs.map(({ message }) => message).join()
  return item.kind === 'lost' ? `lost ${item.runs}` : item.kind
}

test('runs of the tenant are shown in the order in which they ended, and nobody else’s', async () => {
  const { end, follow } = openTail()
  end('before')
  const items = follow()
  end('one')
  end('of another', { owner: 'bob' })
  end('two')
  expect([await next(items), await next(items)]).toEqual(['one', 'two'])
})

test('a filter leaves out what differs by function, by ending and by text', async () => {
  const { end, follow } = openTail()
  const filters: TailFilter[] = [{ function: checkout.name }, { status: 'timeout' }, { search: 'ORDER 7' }]
  const followers = filters.map((filter) => follow(filter))
  end('plain')
  end('of the function', { function: checkout })
  end('late', { status: 'timeout' })
  end('no order 7')
  expect(await Promise.all(followers.map(next))).toEqual(['of the function', 'late', 'no order 7'])
})

test('a sample of a half shows about a half', async () => {
  const { end, follow } = openTail()
  const items = follow({ sample: 0.5 })
  for (let count = 0; count < 400; count += 1) end(String(count))
  end('last')
  let shown = 0
  const all = follow()
  end('the end of it')
  await next(all)
  for (let line = await next(items); line !== 'the end of it' && shown < 400; line = await next(items)) {
    shown += 1
    if (Number(line) > 380) break
  }
  expect(shown).toBeGreaterThan(100)
  expect(shown).toBeLessThan(300)
})

test('a follower who reads slowly is told how many runs were lost, after those that were kept', async () => {
  const { end, follow } = openTail()
  const items = follow()
  for (let count = 0; count < 1_003; count += 1) end(String(count))
  const seen: string[] = []
  for (let count = 0; count < 1_001; count += 1) seen.push(await next(items))
  expect(seen.slice(-2)).toEqual(['999', 'lost 3'])
  end('again')
  expect(await next(items)).toBe('again')
})

test('of one tenant ten may follow; one that leaves makes room', async () => {
  const { tail, follow } = openTail()
  const leaving = new AbortController()
  const first = follow({}, leaving.signal)
  for (let count = 1; count < 10; count += 1) follow()
  expect(() => follow()).toThrow(/as many as may follow this tenant’s logs/)
  leaving.abort()
  expect(await next(first)).toBe('the end')
  expect(tail.followers).toBe(9)
  const last = follow()
  await last.return?.()
  // Never begun: it leaves with its signal, which the connection's end aborts.
  expect(tail.followers).toBe(10)
})

test('whoever follows is told when nothing comes, and when the host closes', async () => {
  const { tail, follow } = openTail(1)
  const items = follow()
  expect(await next(items)).toBe('quiet')
  tail[Symbol.dispose]()
  expect(await next(items)).toBe('the end')
  expect(await next(follow())).toBe('the end')
})
