import { afterAll, beforeAll, expect, test } from 'vitest'
import { mebibytes } from '../../../src/core/quantity.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('blobs that are made of each other share their bytes', async () => {
  // 4 MiB, a thousand times over, in an isolate of 32.
  const code = `
    const whole = new Blob([new Uint8Array(4 << 20).fill(7)])
    const slices = Array.from({ length: 1_000 }, (_, index) => whole.slice(index))
    const file = structuredClone(new File([whole, ...slices.slice(0, 9)], 'a.bin', { type: 'A/B', lastModified: 5 }))
    const end = await file.slice(-2).bytes()
    return [file.size > 30 << 20, file.name, file.type, file.lastModified, file instanceof File, ...end]`
  const value = await guest.value(code, { limits: { memory: mebibytes(32) } })
  expect(value).toEqual([true, 'a.bin', 'a/b', 5, true, 7, 7])
})

test('nothing that is taken out of a blob changes what is in it', async () => {
  const code = `
    const given = new Uint8Array([1, 2, 3])
    const blob = new Blob([given])
    given.fill(0)
    ;(await blob.bytes()).fill(0)
    new Uint8Array(await blob.arrayBuffer()).fill(0)
    for await (const chunk of blob.stream()) chunk.fill(0)
    return [...await blob.bytes()]`
  expect(await guest.value(code)).toEqual([1, 2, 3])
})

test('a file is as old as the run’s present, which a guest cannot watch go by', async () => {
  const code = `return new File([], 'now').lastModified === Date.now()`
  expect(await guest.value(code)).toBe(true)
})

test('more bytes than the isolate may hold end the run by its memory', async () => {
  const code = `
    let blob = new Blob([new Uint8Array(1 << 20)])
    const copies = []
    for (;;) copies.push(await blob.bytes())`
  const { status } = await guest.run(code, { limits: { memory: mebibytes(32) } })
  expect(status).toBe('memory-exceeded')
})
