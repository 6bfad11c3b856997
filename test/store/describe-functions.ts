import { describe, expect, test } from 'vitest'
import type { AliasChange, Deployment } from '../../src/core/function-store.ts'
import { artifactId, parseAliasName, parseFunctionName } from '../../src/core/ids.ts'
import type { FunctionQuota } from '../../src/core/policy.ts'
import { bytes } from '../../src/core/quantity.ts'
import type { OpenStores } from './describe-stores.ts'
import { START, alice, bob, fakeClock, tenant } from './samples.ts'

const f = parseFunctionName('f')!
const g = parseFunctionName('g')!
const live = parseAliasName('live')!
const QUOTA: FunctionQuota = { count: 2, versions: 3, storedBytes: bytes(100) }

function deployment(code: string, change: Partial<Deployment> = {}): Deployment {
  const modules = new Map([['main.js', code]])
  const artifact = { id: artifactId(code), language: 'javascript', main: 'main.js', modules, size: bytes(10) } as const
  return { name: f, artifact, config: {}, handlers: ['default'], publish: live, now: START, ...change }
}

function alias(version: number, change: Partial<AliasChange> = {}): AliasChange {
  return { name: f, alias: live, version, now: START, ...change }
}

export function describeFunctions(open: OpenStores): void {
  const openWithTenants = async () => {
    const stores = await open(fakeClock())
    await stores.tenants.put(tenant(alice))
    await stores.tenants.put(tenant(bob))
    return stores
  }

  describe('functions', () => {
    test('count their versions up, and code and configuration equal to the newest one’s are no new version', async () => {
      await using stores = await openWithTenants()
      const { functions } = stores
      expect(await functions.deploy(alice, deployment('a'), QUOTA)).toEqual({ outcome: 'created', version: 1 })
      expect(await functions.deploy(alice, deployment('a'), QUOTA)).toEqual({ outcome: 'unchanged', version: 1 })
      const config = { env: { A: '1' } }
      expect(await functions.deploy(alice, deployment('a', { config }), QUOTA)).toMatchObject({ version: 2 })
      expect(await functions.deploy(alice, deployment('b'), QUOTA)).toMatchObject({ version: 3 })
      const versions = await functions.versions(alice, f)
      expect(versions.map(({ version, config: own }) => [version, own])).toEqual([
        [3, {}],
        [2, config],
        [1, {}],
      ])
      expect((await functions.findArtifact(artifactId('b')))?.modules).toEqual(new Map([['main.js', 'b']]))
      expect(await functions.find(bob, f)).toBeUndefined()
      expect(await functions.list(bob)).toEqual([])
    })

    test('a quota that would be passed leaves no trace, and versions that no alias needs make room', async () => {
      await using stores = await openWithTenants()
      const { functions } = stores
      for (const code of ['a', 'b', 'c', 'd']) await functions.deploy(alice, deployment(code), QUOTA)
      expect((await functions.versions(alice, f)).map(({ version }) => version)).toEqual([4, 3, 2])
      expect(await functions.findArtifact(artifactId('a'))).toBeUndefined()
      await functions.setAlias(alice, alias(2))
      await functions.deploy(alice, deployment('e', { publish: undefined as never }), QUOTA)
      expect((await functions.versions(alice, f)).map(({ version }) => version)).toEqual([5, 4, 2])

      await functions.deploy(alice, deployment('a', { name: g }), QUOTA)
      const third = deployment('z', { name: parseFunctionName('h')! })
      expect(await functions.deploy(alice, third, QUOTA)).toEqual({
        outcome: 'quota-exceeded',
        quota: 'count',
        needed: 3,
      })
      const large = deployment('x', { artifact: { ...deployment('x').artifact, size: bytes(90) } })
      expect(await functions.deploy(alice, large, QUOTA)).toMatchObject({
        outcome: 'quota-exceeded',
        quota: 'storedBytes',
      })
      expect((await functions.list(alice)).map(({ name, latest }) => [name, latest.version])).toEqual([
        ['f', 5],
        ['g', 1],
      ])
      expect((await functions.versions(alice, f)).map(({ version }) => version)).toEqual([5, 4, 2])
      expect(await functions.findArtifact(artifactId('z'))).toBeUndefined()
    })

    test('an alias moves, ends its canary first when it goes back, and goes back no further than it came from', async () => {
      await using stores = await openWithTenants()
      const { functions } = stores
      for (const code of ['a', 'b', 'c']) await functions.deploy(alice, deployment(code), QUOTA)
      expect(await functions.setAlias(alice, alias(9))).toBe('no-version')
      expect(await functions.setAlias(alice, alias(1, { name: g }))).toBe('no-function')
      const canary = { version: 1, percent: 10 }
      expect(await functions.setAlias(alice, alias(3, { canary }))).toBe('done')
      expect((await functions.find(alice, f))?.aliases).toMatchObject([
        { name: 'live', version: 3, canary, history: [1, 2] },
      ])
      const back = () => functions.rollBack(alice, f, live, START)
      expect(await back()).toEqual({ outcome: 'done', version: 3, from: 1 })
      expect(await back()).toEqual({ outcome: 'done', version: 2, from: 3 })
      expect(await back()).toEqual({ outcome: 'done', version: 1, from: 2 })
      expect(await back()).toEqual({ outcome: 'no-history' })
      expect(await functions.deleteAlias(alice, f, live)).toBe(true)
      expect(await back()).toEqual({ outcome: 'no-alias' })
    })

    test('go with their tenant or by themselves, with the code that nobody else has', async () => {
      await using stores = await openWithTenants()
      const { functions } = stores
      await functions.deploy(alice, deployment('shared'), QUOTA)
      await functions.deploy(alice, deployment('own', { name: g }), QUOTA)
      await functions.deploy(bob, deployment('shared'), QUOTA)
      expect(await functions.delete(alice, g)).toBe(true)
      expect(await functions.delete(alice, g)).toBe(false)
      expect(await functions.findArtifact(artifactId('own'))).toBeUndefined()
      await stores.tenants.delete(alice)
      expect(await functions.findArtifact(artifactId('shared'))).toBeDefined()
      await stores.tenants.put(tenant(alice))
      expect(await functions.list(alice)).toEqual([])
      await stores.tenants.delete(bob)
      expect(await functions.findArtifact(artifactId('shared'))).toBeUndefined()
      await expect(functions.deploy(bob, deployment('a'), QUOTA)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })
}
