import { type Attack, attack } from '../attack.ts'

/** More of everything than a host should have to take. */
export const FLOOD: readonly Attack[] = [
  attack('A-279', 'a million log lines', {
    code: 'for (let i = 0; i < 1e6; i++) console.log(i); return 1',
    ends: ['ok', 'timeout'],
    returns: 1,
  }),
  attack('A-280', 'log lines for ever', { code: 'for (let i = 0; ; i++) console.log("line", i)', ends: ['timeout'] }),
  attack('A-281', 'one log line of a hundred megabytes', {
    code: 'console.log("x".repeat(1e8)); return 1',
    ends: ['ok', 'memory-exceeded'],
    returns: 1,
  }),
  attack('A-282', 'log lines of the largest size', {
    code: 'for (let i = 0; i < 1000; i++) console.error("é".repeat(16_384)); return 1',
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-283', 'a log of an object with twenty thousand fields', {
    code: 'const o = {}; for (let i = 0; i < 2e4; i++) o["field" + i] = i; for (let i = 0; i < 10; i++) console.log(o, o); return 1',
    ends: ['ok', 'memory-exceeded', 'timeout'],
    returns: 1,
  }),
  attack('A-284', 'labels of counters and timers without end', {
    code: 'for (let i = 0; i < 1e5; i++) { console.count("c" + i); console.time("t" + i); console.group() } return 1',
    ends: ['ok', 'timeout'],
    returns: 1,
  }),
  attack('A-285', 'a hundred thousand timers', {
    code: 'let n = 0; try { for (; n < 1e5; n++) setTimeout(() => {}, 1e6) } catch (e) { return [n, e.code] }',
    ends: ['ok'],
    returns: [1000, 'TOO_MANY_TIMERS'],
  }),
  attack('A-286', 'a thousand timers due at the same moment, again and again', {
    code: 'const again = () => { for (let i = 0; i < 900; i++) setTimeout(i === 0 ? again : () => {}, 1) }; again(); await new Promise(() => {})',
    ends: ['timeout', 'error'],
  }),
  attack('A-287', 'a timer that is set and cleared for ever', {
    code: 'for (;;) clearTimeout(setTimeout(() => {}, 1e6))',
    ends: ['timeout'],
  }),
  attack('A-288', 'timers with delays that are no numbers', {
    code: `for (const delay of [NaN, -1, Infinity, -Infinity, 2 ** 53, '5', {}, null, undefined, 1e-300]) clearTimeout(setTimeout(() => {}, delay)); let n = 0; await new Promise((r) => { setTimeout(() => { n++ }, NaN); setTimeout(r, 20, n) }); return n`,
    ends: ['ok'],
    returns: 1,
  }),
  attack(
    'A-289',
    'ten million microtasks',
    { code: 'for (let i = 0; i < 1e7; i++) await null; return 1', ends: ['timeout', 'ok'], returns: 1 },
    { policy: { limits: { wallMs: 500 } } },
  ),
  attack('A-290', 'a million promises at once', {
    code: 'await Promise.all(Array.from({ length: 2e5 }, async (_, i) => i)); return 1',
    ends: ['ok', 'memory-exceeded'],
    returns: 1,
  }),
  attack('A-291', 'a hundred thousand rejections that nobody handles', {
    code: 'for (let i = 0; i < 1e5; i++) Promise.reject(new Error("r" + i)); await null; return 1',
    ends: ['ok', 'timeout', 'memory-exceeded'],
    returns: 1,
  }),
  attack('A-292', 'a rejection in every timer', {
    code: 'for (let i = 0; i < 500; i++) setTimeout(() => { Promise.reject(new Error("r".repeat(10_000))) }, 1); await new Promise((r) => setTimeout(r, 100)); return 1',
    ends: ['ok'],
    returns: 1,
  }),
  attack('A-293', 'thirty thousand promises given to waitUntil', {
    code: 'for (let i = 0; i < 3e4; i++) context.waitUntil(Promise.resolve(i)); return 1',
    ends: ['ok', 'memory-exceeded'],
    returns: 1,
  }),
  attack('A-294', 'thirty thousand rejected promises given to waitUntil', {
    code: 'for (let i = 0; i < 3e4; i++) context.waitUntil(Promise.reject(new Error("x".repeat(100)))); return 1',
    // They nearly fill the heap: what is left of the run's time may go into collecting garbage.
    ends: ['ok', 'memory-exceeded', 'timeout'],
    returns: 1,
  }),
  attack('A-295', 'results of the largest size, sixteen at once', {
    code: 'return "x".repeat(1_000_000)',
    ends: ['ok'],
    returns: 'x'.repeat(1_000_000),
    atOnce: 16,
  }),
  attack(
    'A-296',
    'a result of a hundred megabytes',
    {
      code: 'return "x".repeat(1e8)',
      ends: ['output-exceeded', 'memory-exceeded'],
    },
    { stop: 'kill' },
  ),
  attack('A-297', 'a result of a million small objects', {
    code: 'return Array.from({ length: 5e5 }, (_, i) => ({ i }))',
    ends: ['output-exceeded', 'memory-exceeded'],
  }),
  attack(
    'A-298',
    'calls as fast as they are answered',
    {
      code: 'let n = 0; try { for (;;) { await context.kv.get("k"); n++ } } catch (e) { return [n, e.code] }',
      ends: ['ok'],
      returns: [300, 'QUOTA_EXCEEDED'],
    },
    { policy: { capabilities: { kv: { operations: 300 } } } },
  ),
  attack(
    'A-299',
    'calls with the largest arguments, all at once',
    {
      code: 'const v = "x".repeat(262_000), all = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => context.kv.put("k" + (i % 4), v))); return all.some((one) => one.status === "fulfilled")',
      ends: ['ok', 'memory-exceeded'],
      returns: true,
    },
    { stop: 'kill' },
  ),
  attack('A-300', 'calls that are over-long in every argument', {
    code: 'const v = "\\u0001".repeat(1e6), codes = new Set(); for (let i = 0; i < 50; i++) await context.kv.compareAndSet(v, v, v).catch((e) => codes.add(e.code)); return [...codes]',
    ends: ['ok', 'memory-exceeded'],
    returns: ['INVALID_ARGUMENT'],
  }),
  attack(
    'A-301',
    'a hundred runs of one tenant at the same moment',
    {
      code: 'await new Promise((r) => setTimeout(r, 100)); return 1',
      ends: ['ok', 'CONCURRENCY_LIMITED', 'RATE_LIMITED', 'backed-off'],
      returns: 1,
      atOnce: 100,
    },
    { policy: { limits: { concurrency: 8, queue: 16 } } },
  ),
  attack(
    'A-302',
    'more runs a second than the rate',
    {
      code: 'return 1',
      ends: ['ok', 'RATE_LIMITED', 'backed-off'],
      returns: 1,
      atOnce: 60,
    },
    { policy: { rate: { perSecond: 5, burst: 20 } } },
  ),
  attack(
    'A-303',
    'code over its bound',
    { code: `/*${'x'.repeat(1_048_576)}*/ return 1`, ends: ['TOO_LARGE'] },
    { stop: 'refusal' },
  ),
  attack(
    'A-304',
    'an input over its bound',
    {
      code: 'return 1',
      input: `"${'x'.repeat(1_048_576)}"`,
      ends: ['TOO_LARGE'],
    },
    { stop: 'refusal' },
  ),
  attack(
    'A-305',
    'five thousand modules',
    {
      modules: {
        'main.js': 'export default () => 1',
        ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`m${i}.js`, `export const x = ${i}`])),
      },
      ends: ['ok', 'error', 'INVALID_REQUEST', 'TOO_LARGE'],
      returns: 1,
    },
    { stop: 'refusal' },
  ),
  attack(
    'A-306',
    'a chain of imports two hundred long',
    {
      modules: {
        'main.js': 'import { x } from "./m0.js"; export default () => x',
        ...Object.fromEntries(
          Array.from({ length: 200 }, (_, i) => [
            `m${i}.js`,
            i === 199 ? 'export const x = 1' : `export { x } from "./m${i + 1}.js"`,
          ]),
        ),
      },
      ends: ['ok', 'error', 'INVALID_REQUEST'],
      returns: 1,
    },
    { stop: 'refusal' },
  ),
  attack('A-307', 'new code in every run', {
    code: 'return eval("1 + ".repeat(20_000) + "1") > 0',
    ends: ['ok', 'error'],
    returns: true,
    times: 5,
  }),
  attack('A-308', 'an error with the longest stack', {
    code: 'Error.stackTraceLimit = Infinity; const f = (n) => { if (n === 0) throw new Error("deep"); f(n - 1) }; f(3000)',
    ends: ['error'],
  }),
]
