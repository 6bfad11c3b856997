import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ProcessMeter,
  hasProc,
  openMemoryProbe,
  openProcessMeter,
  parsePsTime,
  sampleByPs,
  statMeter,
} from '../../src/pool/meter.ts'

const hasPs = (() => {
  try {
    execFileSync('ps', ['-o', 'pid=', '-p', String(process.pid)], { stdio: 'pipe' })
    return true
  } catch {
    console.warn('SKIPPED: there is no `ps -o … -p` here, so what reads it is not tested')
    return false
  }
})()

/** No process has it: the kernel gives at most 2^22 of them. */
const NOBODY = 2 ** 22 + 1

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Burns CPU time by this process's own count. */
function burn(ms: number): void {
  const until = ownCpuMs() + ms
  while (ownCpuMs() < until);
}

/** A process of our own that waits until its input ends. */
function startIdle(title = 'idle'): { readonly pid: number; [Symbol.asyncDispose](): Promise<void> } {
  const code = `process.title = ${JSON.stringify(title)}; const b = Buffer.alloc(64 * 2 ** 20, 1); console.log(b[5]); process.stdin.resume()`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
  const pid = child.pid
  if (pid === undefined) throw new Error('no process could be started')
  return {
    pid,
    ready: once(child.stdout, 'data'),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  } as ReturnType<typeof startIdle> & { ready: Promise<unknown> }
}

async function startReady(title?: string): Promise<ReturnType<typeof startIdle>> {
  const child = startIdle(title) as ReturnType<typeof startIdle> & { ready: Promise<unknown> }
  await child.ready
  return child
}

describe.skipIf(!hasProc).each<[string, ProcessMeter, toleranceMs: number]>([
  ['the meter of this machine', openProcessMeter(), 1],
  ['the meter of Linux without FFI', statMeter, 25],
])('%s', (_, meter, toleranceMs) => {
  test('agrees with what the process itself is told, and grows as it does', () => {
    // Past a second, which is a field of its own to the kernel.
    burn(1_050 - ownCpuMs())
    let last = 0
    for (let count = 0; count < 5; count += 1) {
      const before = ownCpuMs()
      const read = meter.cpuMs(process.pid)!
      const after = ownCpuMs()
      expect(read).toBeGreaterThanOrEqual(before - toleranceMs)
      expect(read).toBeLessThanOrEqual(after + toleranceMs)
      expect(read).toBeGreaterThan(last)
      last = read
      burn(2 * toleranceMs)
    }
  })

  test('reads another process, whatever it calls itself, and never goes back', async () => {
    await using child = await startReady('a) S 1 (b')
    let last = meter.cpuMs(child.pid)!
    expect(last).toBeGreaterThan(0)
    for (let count = 0; count < 100; count += 1) {
      const next = meter.cpuMs(child.pid)!
      expect(next).toBeGreaterThanOrEqual(last)
      last = next
    }
    // A start of Node takes a fraction of a second.
    expect(last).toBeLessThan(10_000)
  })

  test('knows nothing of a process that does not exist, or has been reaped', async () => {
    expect(meter.cpuMs(NOBODY)).toBeUndefined()
    const child = await startReady()
    await child[Symbol.asyncDispose]()
    expect(meter.cpuMs(child.pid)).toBeUndefined()
  })
})

test.skipIf(!hasProc)('the meter of this machine sees a tenth of a millisecond', () => {
  const meter = openProcessMeter()
  expect(meter.source).toBe('clock')
  for (let count = 0; count < 50; count += 1) {
    const before = meter.cpuMs(process.pid)!
    burn(0.1)
    expect(meter.cpuMs(process.pid)).toBeGreaterThan(before)
  }
})

describe.skipIf(!hasProc)('a memory probe', () => {
  test('reads what is a process’s own, without the pages that it shares', async () => {
    await using child = await startReady()
    using probe = openMemoryProbe(child.pid)!
    const own = probe.read()!
    expect(own).toBeGreaterThan(64 * 2 ** 20)
    // The kernel says the same elsewhere, in KiB: so the size of a page is right.
    const [, anonymous] = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1')) ?? []
    expect(Math.abs(own - Number(anonymous) * 1_024)).toBeLessThan(4 * 2 ** 20)
    const { rss } = process.memoryUsage()
    using mine = openMemoryProbe(process.pid)!
    expect(mine.read()).toBeLessThan(rss * 1.1)
  })

  test('sees memory as soon as it is written to', () => {
    using probe = openMemoryProbe(process.pid)!
    const before = probe.read()!
    const block = Buffer.alloc(100 * 2 ** 20, 1)
    expect(probe.read()! - before).toBeGreaterThan(60 * 2 ** 20)
    expect(block.length).toBeGreaterThan(0)
  })

  test('of a process that is gone reads nothing, and there is none for one that never was', async () => {
    const child = await startReady()
    using probe = openMemoryProbe(child.pid)!
    await child[Symbol.asyncDispose]()
    expect(probe.read()).toBeUndefined()
    expect(openMemoryProbe(NOBODY)).toBeUndefined()
  })
})

describe.skipIf(!hasPs)('ps', () => {
  test('tells CPU time and memory of several processes at once, and leaves out those that are gone', async () => {
    await using child = await startReady()
    burn(1_100)
    const before = ownCpuMs()
    const samples = sampleByPs([process.pid, NOBODY, child.pid])
    expect([...samples.keys()].toSorted((a, b) => a - b)).toEqual([process.pid, child.pid].toSorted((a, b) => a - b))
    const own = samples.get(process.pid)!
    // `time` is in whole seconds.
    expect(own.cpuMs).toBeGreaterThan(before - 1_010)
    expect(own.cpuMs).toBeLessThan(ownCpuMs() + 10)
    expect(samples.get(child.pid)!.bytes).toBeGreaterThan(64 * 2 ** 20)
  })

  test('of nobody is nothing', () => {
    expect(sampleByPs([]).size).toBe(0)
    expect(sampleByPs([NOBODY]).size).toBe(0)
  })
})

describe('the time that ps prints', () => {
  test.each([
    ['0:00.03', 30],
    ['12:34', 754_000],
    ['1:02:03', 3_723_000],
    ['01:02:03', 3_723_000],
    ['4-05:06:07', 363_967_000],
    ['123:45.67', 7_425_670],
  ])('%s is %i ms', (text, ms) => {
    expect(parsePsTime(text)).toBeCloseTo(ms, 6)
  })

  test('is read as it was written, with and without days, hours and fractions', () => {
    const part = (max: number) => fc.nat({ max })
    fc.assert(
      fc.property(
        part(5_000),
        part(23),
        part(59),
        part(59),
        part(99),
        fc.boolean(),
        (days, hours, minutes, seconds, hundredths, dot) => {
          const two = (value: number): string => String(value).padStart(2, '0')
          const clock =
            days > 0 || hours > 0 ? `${two(hours)}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`
          const text = `${days > 0 ? `${days}-` : ''}${clock}${dot ? `.${two(hundredths)}` : ''}`
          const wholeSeconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
          expect(parsePsTime(text)).toBeCloseTo(wholeSeconds * 1_000 + (dot ? hundredths * 10 : 0), 3)
        },
      ),
    )
  })
})
