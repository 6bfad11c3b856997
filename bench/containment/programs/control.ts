import type { Program } from '../program.ts'

/** A module of one function that adds: (func (export "add") (param i32 i32) (result i32)). */
const WASM_ADD =
  '[0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11]'

/** Ordinary programs: a sandbox that stops these contains nothing but its own use. */
export const CONTROL: readonly Program[] = [
  {
    class: 'control',
    name: 'JSON and sorting',
    does: 'makes, sorts and sums 1,000 records',
    code: `const rows = Array.from({ length: 1000 }, (_, id) => ({ id, score: (id * 7919) % 1000 }))
rows.sort((a, b) => a.score - b.score)
return { first: rows[0].id, sum: JSON.parse(JSON.stringify(rows)).reduce((sum, row) => sum + row.score, 0) }`,
    expected: '{"first":0,"sum":499500}',
    quick: true,
  },
  {
    class: 'control',
    name: 'async and await',
    does: 'promises, an async generator, Promise.all and a caught rejection',
    code: `async function* count() { for (let n = 0; n < 3; n += 1) yield n }
let sum = 0
for await (const n of count()) sum += n
const all = await Promise.all([1, Promise.resolve(2), (async () => 3)()])
const caught = await Promise.reject(new Error('no')).catch((error) => error.message)
return [sum, all, caught, input.n]`,
    expected: '[3,[1,2,3],"no",21]',
  },
  {
    class: 'control',
    name: 'typed arrays and BigInt',
    does: 'a checksum over 64 KiB and a factorial',
    code: `const bytes = new Uint8Array(2 ** 16)
for (let n = 0; n < bytes.length; n += 1) bytes[n] = n * 31
let factorial = 1n
for (let n = 1n; n <= 30n; n += 1n) factorial *= n
return [bytes.reduce((sum, byte) => (sum + byte) % 65521, 0), String(factorial)]`,
    expected: '[34673,"265252859812191058636308480000000"]',
  },
  {
    class: 'control',
    name: 'text',
    does: 'regular expressions with names and look-behind, Unicode, 20 kB of result',
    code: `const { groups } = /(?<year>\\d{4})-(?<month>\\d\\d)/u.exec('on 2026-03')
const price = /(?<=\\$)\\d+/.exec('for $42')[0]
return { year: groups.year, price, length: [...'añ😀'].length, text: 'é'.repeat(10000).length }`,
    expected: '{"year":"2026","price":"42","length":3,"text":10000}',
  },
  {
    class: 'control',
    name: '16 MiB of data',
    does: 'holds a quarter of the memory limit for a moment, without writing to it',
    code: 'const parts = Array.from({ length: 16 }, (_, n) => new Uint8Array(2 ** 20).fill(n, 0, 8)); return parts.reduce((sum, part) => sum + part[7], 0)',
    expected: '120',
  },
  {
    class: 'control',
    name: 'WebAssembly',
    does: 'compiles and calls a function that adds',
    needs: 'WebAssembly code',
    code: `const { instance } = await WebAssembly.instantiate(new Uint8Array(${WASM_ADD}))
return instance.exports.add(20, 22)`,
    expected: '42',
  },
]
