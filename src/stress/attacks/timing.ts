import { type Attack, attack } from '../attack.ts'

/** Counts the different values that an expression gives while the guest only computes, for some 30 ms. */
const distinct = (expression: string): string =>
  `const values = new Set(); for (let i = 0; i < 3000; i++) { for (let n = 0; n < 1e4; n++); values.add(String(${expression})) } return values.size`
const one = { ends: ['ok'], returns: 1 } as const

/** Clocks: each has to stand still while the guest computes, or not to be there. */
export const TIMING: readonly Attack[] = [
  attack('A-243', 'Date.now', { code: distinct('Date.now()'), ...one }),
  attack('A-244', 'a new Date', { code: distinct('new Date().getTime()'), ...one }),
  attack('A-245', 'Date as a function', { code: distinct('Date()'), ...one }),
  attack('A-246', 'the time of Temporal, to the nanosecond', {
    code: `if (typeof Temporal === 'undefined') return 1; ${distinct('Temporal.Now.instant().epochNanoseconds')}`,
    ...one,
  }),
  attack('A-247', 'Temporal, found through a date', {
    code: `if (!Date.prototype.toTemporalInstant) return 1; const { constructor } = new Date(0).toTemporalInstant(); const now = globalThis.Temporal?.Now; if (!now) return 1; ${distinct('now.zonedDateTimeISO().nanosecond')}`,
    ...one,
  }),
  attack('A-248', 'Intl.DateTimeFormat without an argument', {
    code: `const f = new Intl.DateTimeFormat('en', { minute: 'numeric', second: 'numeric', fractionalSecondDigits: 3 }); ${distinct('f.format()')}`,
    ...one,
  }),
  attack('A-249', 'the parts of Intl.DateTimeFormat', {
    code: `const f = new Intl.DateTimeFormat('en', { second: 'numeric', fractionalSecondDigits: 3 }); ${distinct('f.formatToParts().map((p) => p.value).join("")')}`,
    ...one,
  }),
  attack('A-250', 'what is left of the run’s time', { code: distinct('context.remainingMs()'), ...one }),
  attack('A-251', 'performance.now', {
    code: `if (typeof performance === 'undefined') return 1; ${distinct('performance.now()')}`,
    ...one,
  }),
  attack('A-252', 'shared memory, which makes a clock of two threads', {
    code: `return [typeof SharedArrayBuffer, (() => { try { return Object.prototype.toString.call(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer) } catch { return 'none' } })()]`,
    ends: ['ok'],
    returns: ['undefined', 'none'],
  }),
  attack('A-253', 'a wait with a time limit, as a timer', {
    code: `try { const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }); return Atomics.wait(new Int32Array(buffer), 0, 0, 1) } catch { return 'none' }`,
    ends: ['ok'],
    returns: 'none',
  }),
  attack('A-254', 'the real Date, from a function’s constructor', {
    code: `const Real = new Function('return Date')(); ${distinct('Real.now()')}`,
    ...one,
  }),
  attack('A-255', 'the constructor that a date’s prototype names', {
    code: `const Real = Date.prototype.constructor; ${distinct('new Real().getTime() + Real.now()')}`,
    ...one,
  }),
]
