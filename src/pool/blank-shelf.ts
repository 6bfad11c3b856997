import type { Clock } from '../core/clock.ts'
import { type CellProfile, flagsKey, profileKey } from './profile.ts'

/** Profiles that are kept ready at once, the main one among them. Each holds at least one process. */
const PROFILES_MAX = 8
/** A profile is kept ready for so long after it was last asked for. */
const KEEP_MS = 5 * 60_000
/** As many cells are kept as tenants have come within this time, so that as many could come at once. */
const BURST_MS = 60_000
/**
 * Tenants that must have come within KEEP_MS for cells of their own, where those of the main profile do with new isolates. One
 * tenant with a heap limit of its own is an exception, a second one makes it a habit.
 */
const HABIT = 2

interface Parts {
  readonly clock: Clock
  /** The profile of most tenants: always kept ready. */
  readonly main: CellProfile
  readonly mainCells: number
}

/** A profile that is not the main one, and when tenants took cells of it. */
interface Habit {
  readonly profile: CellProfile
  readonly takenMs: number[]
}

interface Wanted {
  readonly profile: CellProfile
  readonly cells: number
}

/**
 * The blank cells that are ready, by profile, and how many of each there should be: always `mainCells` of the main profile; of
 * another at least one for five minutes after it was last taken, as many as were taken within a minute, and at most `mainCells`.
 */
export class BlankShelf<Cell> {
  readonly #parts: Parts
  readonly #mainKey: string
  readonly #cells = new Map<Cell, CellProfile>()
  /** The one that was asked for longest ago first. */
  readonly #habits = new Map<string, Habit>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#mainKey = profileKey(parts.main)
  }

  /** Ready cells of the main profile. */
  get ready(): number {
    return this.count(this.#parts.main)
  }

  count(profile: CellProfile): number {
    return this.#all(profileKey(profile), profileKey).length
  }
  /** Ready cells that could serve the profile. */
  countFitting(profile: CellProfile): number {
    return this.#all(flagsKey(profile), flagsKey).length
  }

  put(cell: Cell, profile: CellProfile): void {
    this.#cells.set(cell, profile)
  }
  remove(cell: Cell): void {
    this.#cells.delete(cell)
  }

  /** Takes a cell of the profile, or one that differs in its heap limit alone. Undefined if there is none. */
  take(profile: CellProfile): Cell | undefined {
    const key = profileKey(profile)
    const [cell] = [...this.#all(key, profileKey), ...this.#all(flagsKey(profile), flagsKey)]
    if (cell === undefined) return undefined
    this.#cells.delete(cell)
    if (key !== this.#mainKey) this.#remember(key, profile)
    return cell
  }

  /** How many cells of which profiles should be ready, the main one first, then the one that was last asked for. */
  wanted(): readonly Wanted[] {
    const { main, mainCells } = this.#parts
    const others = [...this.#habits.values()].toReversed()
    return [{ profile: main, cells: mainCells }, ...others.map((habit) => this.#wantedOf(habit))]
  }

  /** Cells that nobody has asked for lately. */
  surplus(): readonly Cell[] {
    const wanted = new Map(this.wanted().map(({ profile, cells }) => [profileKey(profile), cells]))
    return [...this.#cells].flatMap(([cell, profile]) => {
      const key = profileKey(profile)
      const left = wanted.get(key) ?? 0
      wanted.set(key, left - 1)
      return left > 0 ? [] : [cell]
    })
  }

  /** The cell that is missed least, of those that cannot serve the profile: to make room for one that can. */
  leastMissed(profile: CellProfile): Cell | undefined {
    const order = this.wanted().map((wanted) => profileKey(wanted.profile))
    const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length)
    const strangers = [...this.#cells].filter(([, own]) => flagsKey(own) !== flagsKey(profile))
    const [missedLeast] = strangers.toSorted(([, a], [, b]) => rank(profileKey(b)) - rank(profileKey(a)))
    return missedLeast?.[0]
  }

  #all(key: string, keyOf: (profile: CellProfile) => string): readonly Cell[] {
    return [...this.#cells].filter(([, profile]) => keyOf(profile) === key).map(([cell]) => cell)
  }

  #remember(key: string, profile: CellProfile): void {
    const takenMs = [...(this.#habits.get(key)?.takenMs ?? []), this.#parts.clock.elapsed()]
    this.#habits.delete(key)
    this.#habits.set(key, { profile, takenMs: takenMs.slice(-Math.max(HABIT, this.#parts.mainCells)) })
    const [oldest] = this.#habits.keys()
    if (this.#habits.size > PROFILES_MAX - 1 && oldest !== undefined) this.#habits.delete(oldest)
  }

  #wantedOf({ profile, takenMs }: Habit): Wanted {
    const { clock, main, mainCells } = this.#parts
    const nowMs = clock.elapsed()
    const within = (ms: number): number => takenMs.filter((at) => nowMs - at <= ms).length
    const enough = flagsKey(profile) === flagsKey(main) ? HABIT : 1
    const cells = within(KEEP_MS) < enough ? 0 : Math.max(1, within(BURST_MS))
    return { profile, cells: Math.min(cells, mainCells) }
  }
}
