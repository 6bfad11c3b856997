import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import { mebibytes, millis } from '../../src/core/quantity.ts'
import { type KillReason, bystander, explain, guilty, isGuestDoing } from '../../src/pool/death.ts'

const dead = (killReason: KillReason | undefined, signal: string | null = 'SIGKILL', lastWords = '') =>
  explain({ killReason, code: null, signal, lastWords })
const exited = (code: number, lastWords = '') => explain({ killReason: undefined, code, signal: null, lastWords })

describe('the reason and the status of a death', () => {
  test.each([
    ['deadline', 'timeout'],
    ['cpu', 'cpu-exceeded'],
    ['memory', 'memory-exceeded'],
    ['cancel', 'cancelled'],
    ['protocol', 'crashed'],
    ['start-timeout', 'crashed'],
    ['idle', 'crashed'],
    ['evicted', 'crashed'],
    ['policy-changed', 'crashed'],
    ['tenant-deleted', 'crashed'],
    ['closing', 'crashed'],
  ] as const)('are %s and %s when the host killed it for that', (reason, status) => {
    expect(dead(reason)).toEqual({ reason, status, lastWords: '' })
  })

  test.each([
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    'FATAL ERROR: invalid table size Allocation failed - JavaScript heap out of memory',
    '# Fatal process out of memory: Zone',
    'terminate called: ALLOCATION FAILED',
    '# Fatal JavaScript out of memory: Array buffer allocation',
    'FATAL ERROR: Failed to reserve virtual memory for CodeRange',
    '# Fatal process OOM in insufficient memory to create an Isolate',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    '# Fatal JavaScript invalid size error 169220804 (see crbug.com/1201626)',
    'mmap: Cannot allocate memory',
  ])('are out-of-memory and memory-exceeded when it says %j', (lastWords) => {
    const expected = { reason: 'out-of-memory', status: 'memory-exceeded', lastWords }
    for (const signal of ['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGSEGV']) {
      expect(dead(undefined, signal, lastWords)).toEqual(expected)
      // What a parent that only waits for the cell ends with.
      expect(exited(128 + constants.signals[signal as NodeJS.Signals], lastWords)).toEqual(expected)
    }
  })

  test('are those of the host’s kill, whatever the process says at its end', () => {
    expect(dead('deadline', 'SIGKILL', 'out of memory')).toMatchObject({ reason: 'deadline', status: 'timeout' })
    expect(dead('protocol', 'SIGKILL', 'out of memory')).toMatchObject({ reason: 'protocol', status: 'crashed' })
  })

  test('are crash and crashed for any signal of its own, exit and crashed when it went by itself', () => {
    for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGKILL', 'SIGTRAP']) {
      expect(dead(undefined, signal, 'Segmentation fault')).toMatchObject({ reason: 'crash', status: 'crashed' })
    }
    for (const code of [0, 1, 78, 128, 255]) expect(exited(code)).toMatchObject({ reason: 'exit', status: 'crashed' })
    expect(exited(1, 'out of memory')).toMatchObject({ reason: 'exit', status: 'crashed' })
  })

  test.each([134, 133, 132, 139, 137])('are crash when a parent that waits for the cell ends with %i', (code) => {
    expect(exited(code, 'Segmentation fault')).toMatchObject({ reason: 'crash', status: 'crashed' })
  })

  test('are the guest’s doing unless the host or the caller wished them', () => {
    const guests = ['deadline', 'cpu', 'memory', 'protocol'] as const
    const hosts = ['cancel', 'idle', 'evicted', 'policy-changed', 'tenant-deleted', 'closing', 'start-timeout'] as const
    expect(guests.map((reason) => isGuestDoing(dead(reason)))).toEqual(guests.map(() => true))
    expect(hosts.map((reason) => isGuestDoing(dead(reason)))).toEqual(hosts.map(() => false))
    for (const death of [dead(undefined), exited(1), dead(undefined, 'SIGABRT', 'out of memory')]) {
      expect(isGuestDoing(death)).toBe(true)
    }
  })
})

const BOUNDS = { wall: millis(250), policy: { limits: { cpu: millis(100), memory: mebibytes(64) } } }

describe('the ending of the run that is to blame', () => {
  test.each([
    ['deadline', 'timeout', 'wall time limit of 250 ms'],
    ['cpu', 'cpu-exceeded', '100 ms (limits.cpuMs'],
    ['memory', 'memory-exceeded', '64 MB (limits.memoryMb'],
    ['protocol', 'crashed', 'brought its cell down'],
    ['cancel', 'cancelled', 'was cancelled'],
  ] as const)('after %s is %s and says so', (reason, status, words) => {
    const ending = guilty(dead(reason), BOUNDS)
    expect(ending).toMatchObject({ status, killReason: reason, error: { name: 'Error', stack: '' } })
    expect(ending.error?.message).toContain(words)
    expect(ending).not.toHaveProperty('bystander')
    expect(RUN_STATUSES).toContain(ending.status)
  })

  test('tells nothing of what the process wrote', () => {
    const ending = guilty(dead(undefined, 'SIGSEGV', '/srv/secret/path'), BOUNDS)
    expect(JSON.stringify(ending)).not.toContain('secret')
  })
})

test('the ending of a bystander is marked as one, so that it can be run again', () => {
  expect(bystander('memory')).toEqual({
    status: 'crashed',
    killReason: 'memory',
    bystander: true,
    error: { name: 'Error', message: 'the cell was ended by another run of the same tenant', stack: '' },
  })
})
