import type { Program } from '../program.ts'

/** The smallest step in µs that a clock makes while the program computes; null if it stands still or is not there. */
const STEP = `const step = (read) => {
  let least = Infinity
  try {
    let before = read()
    for (let n = 0; n < 30000; n += 1) {
      const now = read()
      if (now > before) least = Math.min(least, now - before)
      before = now
    }
  } catch {}
  return least
}
const answer = (...steps) => { const least = Math.min(...steps); return { stepUs: least === Infinity ? null : least } }
`

/** Programs that measure how fine the clocks are which a guest can read: what a side channel needs. */
export const CLOCK: readonly Program[] = [
  {
    class: 'clock',
    name: 'Date and performance',
    does: 'the finest step of Date.now, performance.now and process.hrtime, as far as there are any',
    code: `${STEP}return answer(step(() => Date.now() * 1000), step(() => performance.now() * 1000), step(() => Number(process.hrtime.bigint() % 1000000000000000n) / 1000))`,
    quick: true,
  },
  {
    class: 'clock',
    name: 'Temporal',
    does: 'the finest step of Temporal.Now, also when it is reached through a Date',
    code: `${STEP}const T = globalThis.Temporal
return answer(step(() => Number(T.Now.instant().epochNanoseconds % 1000000000000000n) / 1000))`,
  },
]
