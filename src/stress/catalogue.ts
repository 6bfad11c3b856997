import { ATTACK_CLASSES, type Attack, type AttackClass, type ClassedAttack } from './attack.ts'
import { BOUNDARY } from './attacks/boundary.ts'
import { CAPABILITY } from './attacks/capability.ts'
import { CPU } from './attacks/cpu.ts'
import { CRASH } from './attacks/crash.ts'
import { ESCAPE } from './attacks/escape.ts'
import { FLOOD } from './attacks/flood.ts'
import { LEAK } from './attacks/leak.ts'
import { MEMORY } from './attacks/memory.ts'
import { NEIGHBOUR } from './attacks/neighbour.ts'
import { TERMINATION } from './attacks/termination.ts'
import { TIMING } from './attacks/timing.ts'

const BY_CLASS: Readonly<Record<AttackClass, readonly Attack[]>> = {
  cpu: CPU,
  termination: TERMINATION,
  memory: MEMORY,
  crash: CRASH,
  boundary: BOUNDARY,
  escape: ESCAPE,
  capability: CAPABILITY,
  timing: TIMING,
  leak: LEAK,
  flood: FLOOD,
  neighbour: NEIGHBOUR,
}

/** Every attack, class by class. The one list: the command, the tests and the documents all take theirs from here. */
export const CATALOGUE: readonly ClassedAttack[] = (Object.keys(ATTACK_CLASSES) as AttackClass[]).flatMap((name) =>
  BY_CLASS[name].map((attack) => ({ ...attack, class: name })),
)

/** A short choice from every class: the ones that have hurt other platforms most. */
const QUICK: ReadonlySet<string> = new Set(
  `A-01 A-03 A-04 A-13 A-45  A-10 A-11 A-14 A-19 A-65 A-78  A-20 A-21 A-22 A-23 A-24 A-27  A-119 A-121 A-123 A-131
  A-148 A-157 A-160 A-166 A-174  A-180 A-185 A-188 A-192 A-194 A-197  A-221 A-228 A-233 A-236  A-243 A-252
  A-256 A-268 A-274  A-285 A-291 A-301  A-309 A-311`.split(/\s+/),
)

/** Which attacks to run. */
export interface Selection {
  readonly extent: 'all' | 'quick'
  /** All classes if absent. */
  readonly classes?: readonly AttackClass[]
  /** Only these numbers, whatever the extent says. */
  readonly numbers?: readonly string[]
}

/** The attacks of a selection, in the order of the catalogue. */
export function select({ extent, classes, numbers }: Selection): readonly ClassedAttack[] {
  if (numbers !== undefined) return CATALOGUE.filter(({ number }) => numbers.includes(number))
  return CATALOGUE.filter(
    (attack) =>
      (extent === 'all' || QUICK.has(attack.number)) && (classes === undefined || classes.includes(attack.class)),
  )
}
