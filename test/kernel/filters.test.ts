import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Architecture, architectureOf } from '../../src/kernel/architecture.ts'
import { ENOSYS, EPERM, encodeProgram, answer } from '../../src/kernel/bpf.ts'
import { earlyFilter, lateFilter } from '../../src/kernel/filters.ts'
import { SYSCALLS, type SyscallName } from '../../src/kernel/syscalls.ts'
import { judge, verdictOf } from './machine.ts'

const PID = 4_242
const ARCHITECTURES = ['x64', 'arm64'].map((name) => architectureOf(name)!)

describe.each(ARCHITECTURES)('on $name', (architecture: Architecture) => {
  const late = lateFilter(architecture, PID)
  const early = earlyFilter(architecture)
  const number = (call: SyscallName): number => architecture.number(call) ?? -1
  const asked = (filter: Buffer, call: SyscallName, ...args: (bigint | number)[]) =>
    verdictOf(filter, architecture, number(call), args)

  test.each(['read', 'write', 'mmap', 'futex', 'epoll_ctl', 'madvise', 'exit_group'] as const)(
    'a cell that is locked in may %s',
    (call) => expect(asked(late, call)).toBe('allowed'),
  )

  test.each([
    'openat',
    'execve',
    'socket',
    'ptrace',
    'mount',
    'unshare',
    'bpf',
    'memfd_create',
    'io_uring_enter',
  ] as const)('a cell that is locked in may not %s', (call) => expect(asked(late, call)).toBe(EPERM))

  test('whatever is not named is refused, also what no kernel has yet', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x3fff_ffff }), (unknown) => {
        fc.pre(!Object.keys(SYSCALLS).some((name) => number(name as SyscallName) === unknown))
        expect(verdictOf(late, architecture, unknown)).toBe(EPERM)
      }),
    )
  })

  test('signals reach the cell itself and nobody else', () => {
    for (const call of ['kill', 'tgkill'] as const) {
      expect(asked(late, call, PID, 9)).toBe('allowed')
      for (const other of [0, 1, -1, PID + 1, -PID]) expect(asked(late, call, other, 9)).toBe(EPERM)
    }
    expect(asked(late, 'tkill', PID, 9)).toBe(EPERM)
  })

  test('a thread can be made, a process cannot, and clone3 looks absent', () => {
    expect(asked(late, 'clone', 0x3d_0f00)).toBe('allowed')
    expect(asked(late, 'clone', 17)).toBe(EPERM)
    expect(asked(late, 'clone3')).toBe(ENOSYS)
    expect(asked(early, 'clone3')).toBe(ENOSYS)
  })

  test('namespaces cannot be made even while a cell starts, which may make processes', () => {
    expect(asked(early, 'clone', 17)).toBe('allowed')
    for (const flag of [0x1000_0000, 0x4000_0000, 0x2_0000, 0x80]) expect(asked(early, 'clone', flag | 17)).toBe(EPERM)
  })

  test('io_uring looks absent from the start: its rings would go round every later filter', () => {
    expect(asked(early, 'io_uring_setup')).toBe(ENOSYS)
    expect(asked(late, 'io_uring_setup')).toBe(EPERM)
  })

  test.each(['openat', 'execve', 'read', 'seccomp', 'prctl'] as const)('a cell may %s while it starts', (call) => {
    expect(asked(early, call)).toBe('allowed')
  })

  test('a process’s own clocks can be read, those of others cannot', () => {
    for (const clock of [0, 1, 2, 3, 7]) expect(asked(late, 'clock_gettime', clock)).toBe('allowed')
    for (const pid of [1, 300, 4_000_000]) expect(asked(late, 'clock_gettime', (~pid << 3) | 2)).toBe(EPERM)
  })

  test('limits can be read and not set, and only a process’s own', () => {
    expect(asked(late, 'prlimit64', 0, 7, 0, 0xffff)).toBe('allowed')
    expect(asked(late, 'prlimit64', 1, 7, 0, 0xffff)).toBe(EPERM)
    expect(asked(late, 'prlimit64', 0, 7, 0x1_0000_0000n, 0)).toBe(EPERM)
    expect(asked(late, 'prlimit64', 0, 7, 0x1000, 0)).toBe(EPERM)
  })

  test('only commands on a descriptor’s own flags get through fcntl and ioctl', () => {
    expect(asked(late, 'fcntl', 3, 4)).toBe('allowed')
    for (const command of [0, 8, 10, 15, 1026]) expect(asked(late, 'fcntl', 3, command)).toBe(EPERM)
    expect(asked(late, 'ioctl', 3, 0x5421)).toBe('allowed')
    for (const request of [0x5412, 0x541c, 0]) expect(asked(late, 'ioctl', 3, request)).toBe(EPERM)
  })

  test('a call in the convention of another processor ends the process', () => {
    for (const filter of [early, late]) {
      for (const { audit } of ARCHITECTURES.filter((other) => other !== architecture)) {
        expect(judge(filter, { number: number('read'), audit, args: [] }) >>> 0).toBe(0x8000_0000)
      }
      expect(judge(filter, { number: 3, audit: 0x4000_0003, args: [] }) >>> 0).toBe(0x8000_0000)
    }
  })

  test('every call has an answer, whatever its number and arguments', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 6 }), (call, args) => {
        for (const filter of [early, late]) {
          expect(() => judge(filter, { number: call, audit: architecture.audit, args })).not.toThrow()
        }
      }),
    )
  })
})

test('on x86-64 the other numbering of calls, x32, ends the process', () => {
  const x64 = ARCHITECTURES[0]!
  expect(verdictOf(lateFilter(x64, PID), x64, 0x4000_0000)).toBe('killed')
  expect(verdictOf(earlyFilter(x64), x64, 0x4000_0000 | 41)).toBe('killed')
})

test('an architecture without a table of calls has no filter', () => {
  expect(architectureOf('riscv64')).toBeUndefined()
})

test('a program longer than the kernel takes is refused here', () => {
  expect(() => encodeProgram(Array.from({ length: 5_000 }, () => answer(0)))).toThrow(RangeError)
})

const HEADERS = [
  ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', 0],
  ['/usr/include/asm-generic/unistd.h', 1],
] as const

test.each(HEADERS.filter(([file]) => existsSync(file)))('the numbers are those of %s', (file, column) => {
  const known = new Map(
    [...readFileSync(file, 'utf8').matchAll(/#define __NR(?:3264)?_(\w+)\s+(\d+)/g)].map(([, name, value]) => [
      name ?? '',
      Number(value),
    ]),
  )
  const wrong = Object.entries(SYSCALLS).filter(([name, numbers]) => {
    const expected = known.get(name)
    return expected !== undefined && numbers[column] !== undefined && numbers[column] !== expected
  })
  expect(wrong).toEqual([])
})
