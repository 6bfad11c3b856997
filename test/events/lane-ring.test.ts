import { expect, test } from 'vitest'
import { type TenantId, parseTenantId } from '../../src/core/ids.ts'
import { type Lane, LaneRing } from '../../src/events/lane-ring.ts'

const lane = (tenant: string, name: string): Lane => ({
  key: `${tenant} ${name}`,
  tenant: parseTenantId(tenant) as TenantId,
})
const endless = { ofTenant: () => Infinity, ofLane: () => Infinity }
const told = (ring: LaneRing<Lane>, places: number, room = endless): [string, number][] =>
  ring.share(places, room).map(({ lane: { key }, limit }) => [key, limit])

test('places go to tenants in turn, however many lanes one of them has', () => {
  const ring = new LaneRing<Lane>(100)
  for (let index = 0; index < 50; index += 1) ring.add(lane('busy', `f${index}`))
  ring.add(lane('quiet', 'f'))
  expect(told(ring, 2)).toEqual([
    ['busy f0', 1],
    ['quiet f', 1],
  ])
  // Whoever was served goes to the end, its next lane first.
  expect(told(ring, 1)).toEqual([['busy f1', 1]])
  expect(told(ring, 1)).toEqual([['quiet f', 1]])
})

test('nobody gets more than there is room for', () => {
  const ring = new LaneRing<Lane>(100)
  ring.add(lane('ann', 'f'))
  ring.add(lane('ann', 'g'))
  ring.add(lane('bob', 'f'))
  const room = { ofTenant: () => 3, ofLane: ({ key }: Lane) => (key === 'ann f' ? 1 : Infinity) }
  expect(Object.fromEntries(told(ring, 100, room as typeof endless))).toEqual({ 'ann f': 1, 'ann g': 2, 'bob f': 3 })
})

test('a lane leaves when it has nothing more, unless there was news of it meanwhile', () => {
  const ring = new LaneRing<Lane>(100)
  ring.add(lane('ann', 'f'))
  const [share] = ring.share(1, endless)
  ring.add(lane('ann', 'f'))
  ring.exhaust(share!)
  expect(ring.size).toBe(1)
  const [again] = ring.share(1, endless)
  ring.exhaust(again!)
  expect(ring.size).toBe(0)
})

test('no more lanes are remembered than there may be', () => {
  const ring = new LaneRing<Lane>(3)
  for (let index = 0; index < 10; index += 1) ring.add(lane(`t${index}`, 'f'))
  expect(ring.size).toBe(3)
})
