import { type Attack, attack } from '../attack.ts'

/** One tenant that takes what it can of the machine, while the quiet ones are watched. */
export const NEIGHBOUR: readonly Attack[] = [
  attack('A-309', 'eight loops at once', { code: 'for (;;);', ends: ['timeout', 'backed-off'], atOnce: 8 }),
  attack(
    'A-310',
    'eight loops at once that never look whether they should stop',
    {
      code: 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
      ends: ['timeout', 'backed-off'],
      atOnce: 8,
    },
    { stop: 'kill', policy: { limits: { wallMs: 150 } } },
  ),
  attack(
    'A-311',
    'four runs at once that fill their memory',
    {
      code: 'const a = []; for (;;) a.push(new Array(1000).fill(1))',
      ends: ['memory-exceeded', 'backed-off'],
      atOnce: 4,
    },
    { stop: 'kill' },
  ),
  attack(
    'A-312',
    'twelve runs at once that bring their cells down',
    {
      code: 'return "x".padStart(5e8).split("").length',
      ends: ['memory-exceeded', 'crashed', 'backed-off'],
      atOnce: 12,
    },
    { stop: 'kill' },
  ),
  attack('A-313', 'quick runs among loops of the same tenant', [
    { code: 'if (input === null) for (;;); return 1', ends: ['timeout', 'backed-off'], atOnce: 4 },
    { code: 'return 1', ends: ['ok', 'backed-off'], returns: 1, atOnce: 12 },
  ]),
  attack('A-314', 'a storm of garbage', {
    code: 'for (let i = 0; i < 400; i++) { let a = []; for (let n = 0; n < 2e4; n++) a.push({ n }) } return 1',
    ends: ['ok', 'timeout'],
    returns: 1,
    atOnce: 4,
  }),
  attack('A-315', 'the bandwidth of the memory', {
    code: 'const a = new Float64Array(3e6); for (let i = 0; i < 60; i++) a.fill(i); return 1',
    ends: ['ok', 'memory-exceeded', 'timeout'],
    returns: 1,
    atOnce: 4,
  }),
  attack('A-316', 'a storm of writes to kv', {
    code: 'for (let i = 0; i < 60; i++) await context.kv.put("k" + (i % 8), "x".repeat(100_000)); return 1',
    ends: ['ok', 'timeout'],
    returns: 1,
    atOnce: 4,
  }),
  attack('A-317', 'a storm of increments of one key', {
    code: 'for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 200 }, () => context.kv.increment("n"))); return 1',
    ends: ['ok'],
    returns: 1,
    atOnce: 4,
  }),
  attack('A-318', 'two hundred short runs in a row', {
    code: 'return 1',
    ends: ['ok', 'backed-off'],
    returns: 1,
    times: 200,
  }),
  attack('A-319', 'logs of the largest size from eight runs at once', {
    code: 'for (let i = 0; i < 1000; i++) console.log("x".repeat(60)); return 1',
    ends: ['ok'],
    returns: 1,
    atOnce: 8,
  }),
  attack('A-320', 'as many cells as one tenant can get', {
    code: 'for (let i = 0; i < 2e8; i++); await new Promise((r) => setTimeout(r, 50)); return 1',
    ends: ['ok', 'timeout', 'backed-off'],
    returns: 1,
    atOnce: 16,
  }),
]
