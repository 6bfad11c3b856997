import type { Program } from '../program.ts'

/** Programs that take memory, each from another allocator. */
export const MEMORY: readonly Program[] = [
  {
    class: 'memory',
    name: 'objects',
    does: 'small objects, kept',
    code: 'const kept = []; for (;;) kept.push({ a: [1, 2, 3] })',
    quick: true,
  },
  {
    class: 'memory',
    name: 'arrays',
    does: 'arrays of a thousand numbers, kept',
    code: 'const kept = []; for (;;) kept.push(new Array(1000).fill(1))',
  },
  {
    class: 'memory',
    name: 'typed arrays',
    does: 'buffers of 1 MiB, written and kept',
    code: 'const kept = []; for (;;) kept.push(new Uint8Array(2 ** 20).fill(1))',
  },
  {
    class: 'memory',
    name: 'resizable ArrayBuffer',
    does: 'one buffer that grows to 1 GiB, written',
    needs: 'ResizableArrayBuffer',
    code: 'const b = new ArrayBuffer(0, { maxByteLength: 2 ** 30 }); const v = new Uint8Array(b); for (let n = 0; n < 64; n += 1) { b.resize((n + 1) * 2 ** 24); v.fill(1, n * 2 ** 24) } return b.byteLength',
    quick: true,
  },
  {
    class: 'memory',
    name: 'WebAssembly.Memory',
    does: 'memories of 16 MiB until there is 1 GiB, written',
    needs: 'WebAssembly',
    code: 'const kept = []; for (let n = 0; n < 64; n += 1) { const m = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(m.buffer).fill(1); kept.push(m) } return kept.length',
  },
  {
    class: 'memory',
    name: 'strings',
    does: 'strings of 1 MiB, flattened and kept',
    code: "const kept = []; for (let n = 0; ; n += 1) { const s = 'x'.repeat(2 ** 20) + n; s.at(7); kept.push(s) }",
  },
  {
    class: 'memory',
    name: 'Intl objects',
    does: 'date formats, which live outside the JavaScript heap',
    needs: 'Intl',
    code: "const kept = []; for (let n = 0; n < 50000; n += 1) kept.push(new Intl.DateTimeFormat('en', { timeZone: 'UTC' })); return kept.length",
  },
  {
    class: 'memory',
    name: 'promise jobs',
    does: 'queues promise jobs without ever letting one run',
    code: 'for (;;) Promise.resolve().then(() => {})',
  },
  {
    class: 'memory',
    name: 'thrown giant',
    does: 'throws an error with a message of 500 million characters',
    code: "throw new Error('x'.repeat(5e8))",
  },
  {
    class: 'memory',
    name: 'returned giant',
    does: 'returns a string of 500 million characters',
    code: "return 'x'.repeat(5e8)",
  },
]
