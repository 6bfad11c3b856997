import type { Program } from '../program.ts'

/** Programs that are known to end an engine, or the process around it, rather than themselves. */
export const CRASH: readonly Program[] = [
  {
    class: 'crash',
    name: 'fill(1e9)',
    does: 'an array that no heap holds, made by one built-in call',
    code: 'return new Array(1e9).fill(1).length',
    quick: true,
  },
  {
    class: 'crash',
    name: 'split',
    does: 'half a thousand million strings from one',
    code: "return 'x'.padStart(5e8).split('').length",
  },
  {
    class: 'crash',
    name: 'deep recursion',
    does: 'uses up the stack, in functions and in built-ins that call each other',
    code: 'const f = () => f() + 1; try { f() } catch {} const o = { get a() { return JSON.stringify(o) } }; return JSON.stringify(o)',
  },
  {
    class: 'crash',
    name: 'nested expression',
    does: 'a regular expression of 100,000 nested groups',
    code: "return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)).test('')",
  },
  {
    class: 'crash',
    name: 'nested result',
    does: 'returns an array 100,000 deep',
    code: 'let a = []; for (let n = 0; n < 1e5; n += 1) a = [a]; return a',
  },
  {
    class: 'crash',
    name: 'sparse result',
    does: 'returns an array of 2^32 - 1 holes',
    code: 'return new Array(2 ** 32 - 1)',
  },
  {
    class: 'crash',
    name: 'Float16Array result',
    does: 'returns a kind of array that copying code may not know',
    needs: 'Float16Array',
    code: 'return new Float16Array(4)',
    quick: true,
  },
  {
    class: 'crash',
    name: 'function result',
    does: 'returns a function whose length is text',
    code: "return Object.defineProperty(() => 1, 'length', { value: '3' })",
  },
]
