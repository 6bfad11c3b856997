import { describe, expect, test } from 'vitest'
import { RUN_STATUSES } from '../../src/core/outcome.ts'
import { type KillReason, bystander, explain, guilty } from '../../src/pool/death.ts'

const dead = (killReason: KillReason | undefined, signal = 'SIGKILL', lastWords = '') =>
  explain({ killReason, signal, lastWords })

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
  ])('are out-of-memory and memory-exceeded when it says %j', (lastWords) => {
    expect(dead(undefined, 'SIGABRT', lastWords)).toEqual({
      reason: 'out-of-memory',
      status: 'memory-exceeded',
      lastWords,
    })
  })

  test('are those of the host’s kill, whatever the process says at its end', () => {
    expect(dead('deadline', 'SIGKILL', 'out of memory')).toMatchObject({ reason: 'deadline', status: 'timeout' })
    expect(dead('protocol', 'SIGKILL', 'out of memory')).toMatchObject({ reason: 'protocol', status: 'crashed' })
  })

  test('are crash and crashed for any signal of its own, exit and crashed when it went by itself', () => {
    for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGKILL', 'SIGTRAP']) {
      expect(dead(undefined, signal, 'Segmentation fault')).toMatchObject({ reason: 'crash', status: 'crashed' })
    }
    expect(dead(undefined, 'exit')).toMatchObject({ reason: 'exit', status: 'crashed' })
  })
})

describe('the ending of the run that is to blame', () => {
  test.each([
    ['deadline', 'timeout', 'wall time limit'],
    ['cpu', 'cpu-exceeded', 'limits.cpuMs'],
    ['memory', 'memory-exceeded', 'limits.memoryMb'],
    ['protocol', 'crashed', 'brought its cell down'],
    ['cancel', 'cancelled', 'was cancelled'],
  ] as const)('after %s is %s and says so', (reason, status, words) => {
    const ending = guilty(dead(reason), 'not cancelled')
    expect(ending).toMatchObject({ status, killReason: reason, error: { name: 'Error', stack: '' } })
    expect(ending.error?.message).toContain(words)
    expect(ending).not.toHaveProperty('bystander')
    expect(RUN_STATUSES).toContain(ending.status)
  })

  test('is cancelled only if that is why it was killed, although its caller had gone', () => {
    expect(guilty(dead('cancel'), 'cancelled').status).toBe('cancelled')
    expect(guilty(dead('memory'), 'cancelled').status).toBe('memory-exceeded')
  })

  test('tells nothing of what the process wrote', () => {
    const ending = guilty(dead(undefined, 'SIGSEGV', '/srv/secret/path'), 'not cancelled')
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
