import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mebibytes } from '../../../src/core/quantity.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

const READ_ALL = `
  const bytesOf = async (stream) => new Blob(await Array.fromAsync(stream)).bytes()
  const through = (pair, bytes) => bytesOf(new Blob([bytes]).stream().pipeThrough(pair))`

test.each(['gzip', 'deflate', 'deflate-raw', 'brotli'])('what %s has compressed comes back', async (format) => {
  const code = `${READ_ALL}
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * index) >> 7)
    const packed = await through(new CompressionStream('${format}'), bytes)
    const back = await through(new DecompressionStream('${format}'), packed)
    return [packed.length < 100_000, back.length, back.every((byte, index) => byte === bytes[index])]`
  expect(await guest.value(code)).toEqual([true, 300_000, true])
})

test('the rest of the world reads what a guest has compressed, and the other way round', async () => {
  const code = `${READ_ALL}
    const packed = await through(new CompressionStream('gzip'), new TextEncoder().encode('from inside'))
    const text = new TextDecoder().decode(await through(new DecompressionStream('gzip'), Uint8Array.fromBase64(input)))
    return [packed.toBase64(), text]`
  const [packed, text] = (await guest.value(code, { input: gzipSync('from outside').toString('base64') })) as string[]
  expect([gunzipSync(Buffer.from(packed ?? '', 'base64')).toString(), text]).toEqual(['from inside', 'from outside'])
})

test('a bomb costs what is read of it', async () => {
  // Four times what the isolate may hold, in an eighth of a megabyte.
  const bomb = gzipSync(Buffer.alloc(128 << 20)).toString('base64')
  const code = `
    const packed = new Blob([Uint8Array.fromBase64(input)]).stream()
    const reader = packed.pipeThrough(new DecompressionStream('gzip')).getReader()
    const sizes = []
    for (let count = 0; count < 3; count += 1) sizes.push((await reader.read()).value.length)
    await reader.cancel()
    return sizes`
  const sizes = await guest.value(code, { input: bomb, limits: { memory: mebibytes(32) } })
  expect(sizes).toEqual([64 << 10, 64 << 10, 64 << 10])
})

test('streams that are ended, failed, cancelled or left let go of what native code holds', async () => {
  // Each round would otherwise hold 18 MiB of the 64 that a realm may have reserved.
  const code = `${READ_ALL}
    const packed = await through(new CompressionStream('brotli'), new Uint8Array(1_000))
    const outcomes = []
    for (let round = 0; round < 5; round += 1) outcomes.push((await through(new DecompressionStream('brotli'), packed)).length)
    for (let round = 0; round < 5; round += 1) {
      outcomes.push(await through(new DecompressionStream('brotli'), packed.subarray(0, -1)).catch((error) => error.name))
    }
    for (let round = 0; round < 5; round += 1) {
      const { readable, writable } = new DecompressionStream('brotli')
      void writable.getWriter().write(packed).catch(() => {})
      const reader = readable.getReader()
      outcomes.push((await reader.read()).value.length)
      await reader.cancel()
    }
    return outcomes`
  const [ended, failed, cancelled] = [1_000, 'TypeError', 1_000].map((outcome) =>
    Array.from({ length: 5 }, () => outcome),
  )
  expect(await guest.value(code)).toEqual([...(ended ?? []), ...(failed ?? []), ...(cancelled ?? [])])
})

test('more of them at once than a realm may hold is an error that the guest can catch', async () => {
  const code = `
    const names = []
    for (let count = 0; count < 5; count += 1) {
      const { readable, writable } = new DecompressionStream('brotli')
      void readable.getReader().read().catch(() => {})
      await writable.getWriter().write(new Uint8Array([0x1b])).then(() => names.push('open'), (error) => names.push(error.name))
    }
    return names`
  expect(await guest.value(code)).toEqual(['open', 'open', 'open', 'RangeError', 'RangeError'])
})

test('a stream that is left half read ends with its run, and its isolate serves the next one', async () => {
  const code = `
    const { readable, writable } = new CompressionStream('gzip')
    const writer = writable.getWriter()
    void writer.write(new Uint8Array(100_000)).catch(() => {})
    globalThis.runs = (globalThis.runs ?? 0) + 1
    return [(await readable.getReader().read()).value.length > 0, globalThis.runs]`
  expect(await guest.value(code, { reuse: 'function' })).toEqual([true, 1])
  expect(await guest.value(code, { reuse: 'function' })).toEqual([true, 2])
})

test('a run ends when the native work that it has left behind has, and its isolate is used again', async () => {
  const code = `
    const { readable, writable } = new CompressionStream('brotli')
    void writable.getWriter().write(Uint8Array.from({ length: 60_000 }, (_, index) => (index * index) >> 5)).catch(() => {})
    void readable.getReader().read()
    globalThis.runs = (globalThis.runs ?? 0) + 1
    for (let turn = 0; turn < 20; turn += 1) await null
    return globalThis.runs`
  expect(await guest.value(code, { reuse: 'function' })).toBe(1)
  expect(await guest.value(code, { reuse: 'function' })).toBe(2)
})

test.each([
  ['what follows its end', 'new Blob([packed, new Uint8Array(1)])'],
  ['its end missing', 'new Blob([packed]).slice(0, -1)'],
  ['two members', 'new Blob([packed, packed])'],
])('gzip with %s is a TypeError, after what could be read', async (_, blob) => {
  const code = `${READ_ALL}
    const packed = await through(new CompressionStream('gzip'), new Uint8Array(200_000))
    let length = 0
    try {
      for await (const chunk of ${blob}.stream().pipeThrough(new DecompressionStream('gzip'))) length += chunk.length
    } catch (error) {
      return [length, error.name]
    }`
  expect(await guest.value(code)).toEqual([200_000, 'TypeError'])
})
