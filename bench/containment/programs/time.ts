import type { Program } from '../program.ts'

/** Programs that would rather not end. */
export const TIME: readonly Program[] = [
  { class: 'time', name: 'endless loop', does: 'the plainest loop', code: 'for (;;) {}', quick: true },
  {
    class: 'time',
    name: 'loop after await',
    does: 'a loop in a continuation, after the first call has returned a promise',
    code: 'await null; for (;;) {}',
    quick: true,
  },
  {
    class: 'time',
    name: 'microtask flood',
    does: 'a promise job that always queues the next',
    code: 'const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})',
  },
  {
    class: 'time',
    name: 'never settles',
    does: 'waits for a promise that nobody resolves',
    code: 'await new Promise(() => {})',
  },
  {
    class: 'time',
    name: 'built-in over 2^53 elements',
    does: 'a built-in function that does not look whether it was told to stop',
    code: 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
    quick: true,
  },
  {
    class: 'time',
    name: 'regexp backtracking',
    does: 'an expression with exponentially many ways to fail',
    code: "return /^(a+)+$/.test('a'.repeat(60) + 'b')",
  },
  {
    class: 'time',
    name: 'BigInt squaring',
    does: 'multiplications of numbers of many megabits',
    code: 'let x = 7n; for (;;) x *= x',
  },
  {
    class: 'time',
    name: 'loop in finally',
    does: 'every way out of the loop leads back into it',
    code: 'for (;;) { try { for (;;) {} } catch {} finally { continue } }',
  },
  {
    class: 'time',
    name: 'rejected proxy',
    does: 'rejects with a proxy whose traps loop, and returns: the loop starts when the host looks at the reason',
    code: 'Promise.reject(new Proxy({}, { get() { for (;;) {} } })); return 1',
    quick: true,
  },
  {
    class: 'time',
    name: 'thrown error with getters',
    does: 'throws an error whose message, name and stack loop when they are read',
    code: "throw Object.defineProperties(new Error('x'), { message: { get() { for (;;) {} } }, name: { get() { for (;;) {} } }, stack: { get() { for (;;) {} } } })",
  },
  {
    class: 'time',
    name: 'result with a getter',
    does: 'returns an object whose property loops when it is read',
    code: 'return { get value() { for (;;) {} } }',
  },
  {
    class: 'time',
    name: 'result with toJSON',
    does: 'returns an object that loops when it is turned into JSON',
    code: 'return { toJSON() { for (;;) {} } }',
  },
  {
    class: 'time',
    name: 'shared references',
    does: 'returns 31 small arrays that are two thousand million when written out',
    code: 'let a = [1]; for (let i = 0; i < 30; i += 1) a = [a, a]; return a',
  },
  {
    class: 'time',
    name: 'Atomics.wait',
    does: 'sleeps for ever in the engine',
    needs: 'SharedArrayBuffer',
    code: 'return Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)',
  },
]
