import { afterAll, beforeAll, expect, test } from 'vitest'
import { mebibytes } from '../../../src/core/quantity.ts'
import { type Guest, openGuest } from '../guest.ts'

let guest: Guest
beforeAll(async () => {
  guest = await openGuest()
})
afterAll(() => guest[Symbol.asyncDispose]())

test('texts of every length become UTF-8 and come back, whatever of it native code does', async () => {
  const code = `const encoder = new TextEncoder(), decoder = new TextDecoder(), lengths = [0, 1, 63, 64, 65, 4096, 262143, 262144, 1048577]
    return lengths.every((length) => ['a', 'é', '€', '\\u{1f600}'].every((character) => {
      const text = 'x' + character.repeat(length / character.length)
      const target = new Uint8Array(4 * text.length + 8), { read, written } = encoder.encodeInto(text, target)
      return decoder.decode(encoder.encode(text)) === text && read === text.length && decoder.decode(target.subarray(0, written)) === text
    }))`
  expect(await guest.value(code, { limits: { memory: mebibytes(256) } })).toBe(true)
})

test('characters that lie across pieces of a stream are whole', async () => {
  const code = `const text = 'a\\u00e9\\u20ac\\u{1f600}\\ufeff', results = []
    for (const size of [1, 2, 3, 5]) {
      const decoder = new TextDecoder('utf-8', { fatal: true }), bytes = new TextEncoder().encode(text)
      let out = ''
      for (let at = 0; at < bytes.length; at += size) out += decoder.decode(bytes.subarray(at, at + size), { stream: true })
      results.push(out + decoder.decode() === text)
    }
    return results`
  expect(await guest.value(code)).toEqual([true, true, true, true])
})

test('legacy encodings are decoded as the standard has them, where ICU does it otherwise', async () => {
  const code = `const decode = (label, ...bytes) => new TextDecoder(label).decode(new Uint8Array(bytes))
    return [decode('euc-kr', 0x81, 0x41, 0xb0, 0xa1, 0xa2, 0xe6), decode('shift_jis', 0x82, 0xa0, 0xf0, 0x40, 0x80), decode('big5', 0xa4, 0x40, 0x88, 0x62),
      decode('gb18030', 0x81, 0x30, 0x81, 0x30, 0x90, 0x30, 0x81, 0x30), decode('euc-jp', 0x8f, 0xb0, 0xa1, 0xa4, 0x22), decode('x-user-defined', 0x41, 0x80)]`
  expect(await guest.value(code)).toEqual(['갂가€', 'あ\uE000\u0080', '一Ê̄', '\u0080\u{10000}', '丂\uFFFD"', 'A\uF780'])
})

test('bytes of resizable buffers and of views that have lost them are read as they are now', async () => {
  const code = `const decoder = new TextDecoder(), buffer = new ArrayBuffer(4, { maxByteLength: 8 }), tracking = new Uint8Array(buffer), fixed = new DataView(buffer, 0, 4)
    tracking.fill(97); buffer.resize(6); tracking.fill(98, 4)
    const seen = [decoder.decode(tracking), decoder.decode(fixed)]
    buffer.resize(2); seen.push(decoder.decode(tracking), decoder.decode(fixed)); buffer.transfer(); seen.push(decoder.decode(buffer))
    return seen`
  expect(await guest.value(code)).toEqual(['aaaabb', 'aaaa', 'aa', '', ''])
})

test('decoding goes on working for a guest that has replaced what the language has', async () => {
  const code = `const bytes = new TextEncoder().encode('gr\\u00fc\\u00dfe'), decoders = [new TextDecoder(), new TextDecoder('latin1')]
    String.fromCharCode = () => 'x'; Reflect.apply = () => 'x'; Object.getPrototypeOf(Uint8Array.prototype).set = () => {}
    return decoders[0].decode(bytes) + decoders[1].decode(bytes.subarray(0, 2))`
  expect(await guest.value(code)).toBe('grüßegr')
})
