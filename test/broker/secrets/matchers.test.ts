import { beforeEach, expect, test } from 'vitest'
import { readBoundHost, type BoundHost } from '../../../src/broker/secrets/bound-host.ts'
import { Matchers } from '../../../src/broker/secrets/matchers.ts'
import type { OpenSecret } from '../../../src/broker/secrets/secrets.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { type TenantId, parseTenantId } from '../../../src/core/ids.ts'
import { type EpochMillis, bytes } from '../../../src/core/quantity.ts'

const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => parseTenantId(name) as TenantId) as [
  TenantId,
  TenantId,
  TenantId,
]
const hosts = [readBoundHost('a.example') as BoundHost]
const secret = (value: string): OpenSecret => ({ name: 'KEY', value, hosts, version: value })
let now = 1_000_000
const clock = { now: () => now as EpochMillis } as Clock
const one = new Matchers({ clock, bytesMax: bytes(1 << 20), tenantBytesMax: bytes(1 << 20) })
one.lend(ann, [secret('sk_live_0000000000')])
/** What one of the keys below takes. */
const SIZE = one.size

let matchers: Matchers
const lend = (tenant: TenantId, number: number) =>
  matchers.lend(tenant, [secret(`sk_live_${String(number).padStart(10, '0')}`)])

beforeEach(() => {
  // Room for four, of which one tenant may have two. Those of other numbers are a little longer at most.
  matchers = new Matchers({
    clock,
    bytesMax: bytes(Math.floor(4.5 * SIZE)),
    tenantBytesMax: bytes(Math.floor(2.5 * SIZE)),
  })
})

test('responses that are searched for the same secrets share what they are searched by', () => {
  using first = lend(ann, 1)
  for (let count = 0; count < 100; count += 1) expect(lend(ann, 1).matcher).toBe(first.matcher)
  using other = lend(bob, 1)
  expect(other.matcher).not.toBe(first.matcher)
})

test('a tenant’s responses under way take no more memory than its share, and the next one has room when one is over', () => {
  using _ = lend(ann, 1)
  const second = lend(ann, 2)
  expect(() => lend(ann, 3)).toThrow(expect.objectContaining({ code: 'CONCURRENCY_LIMITED' }))
  using _other = lend(bob, 3)
  second[Symbol.dispose]()
  second[Symbol.dispose]()
  using _third = lend(ann, 3)
  expect(() => lend(ann, 4)).toThrow(expect.objectContaining({ code: 'CONCURRENCY_LIMITED' }))
})

test('all tenants together take no more than the host has for it, in use or kept for later', () => {
  using all = new DisposableStack()
  for (const [tenant, number] of [
    [ann, 1],
    [ann, 2],
    [bob, 3],
    [bob, 4],
  ] as const)
    all.use(lend(tenant, number))
  expect(() => lend(eve, 5)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }))
  all.dispose()
  for (let number = 0; number < 50; number += 1) {
    lend(eve, number)[Symbol.dispose]()
    expect(matchers.size).toBeLessThanOrEqual(4.5 * SIZE)
  }
  expect(matchers.size).toBeGreaterThan(3 * SIZE)
})

test('secrets that would take the host long to look for are refused before the work is done', () => {
  const wide = new Matchers({ clock, bytesMax: bytes(1 << 30), tenantBytesMax: bytes(1 << 30) })
  const long = (tag: string, length: number): OpenSecret => secret(`${tag}${'\u0001"/ '.repeat(length / 4)}`)
  expect(() => wide.lend(ann, [long('a', 32 << 10)])).toThrow(/bind fewer of them there/)
  const many = (tenant: TenantId, tag: string): void => {
    for (let count = 0; count < 20; count += 1) wide.lend(tenant, [long(`${tag}${count}`, 8 << 10)])[Symbol.dispose]()
  }
  expect(() => many(ann, 'a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
  wide.lend(bob, [long('b', 8 << 10)])[Symbol.dispose]()
  now += 1_000
  wide.lend(ann, [long('c', 8 << 10)])[Symbol.dispose]()
})
