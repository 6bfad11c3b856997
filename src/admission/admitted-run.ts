import type { Clock } from '../core/clock.ts'
import type { RunId } from '../core/ids.ts'
import type { Policy, Reuse } from '../core/policy.ts'
import { type EpochMillis, type Millis, type Units, millis } from '../core/quantity.ts'
import type { RunRequest, Ticket } from '../core/run.ts'
import type { Env } from './env.ts'
import { reuseOf } from './reuse.ts'
import type { RunsInProgress } from './runs-in-progress.ts'
import type { Member } from './tenant-directory.ts'

interface Parts {
  readonly member: Member
  readonly policy: Policy
  readonly run: RunId
  readonly clock: Clock
  readonly runs: RunsInProgress
}

/** The ticket of a run that was let in. */
export class AdmittedRun implements Ticket {
  readonly run: RunId
  readonly request: RunRequest
  readonly policy: Policy
  readonly reuse: Reuse
  readonly wall: Millis
  readonly env: Env | undefined
  readonly admittedAt: EpochMillis
  readonly #member: Member
  readonly #clock: Clock
  readonly #runs: RunsInProgress
  #open = true

  constructor(request: RunRequest, { member, policy, run, clock, runs }: Parts) {
    const limit = policy.limits.wall
    this.run = run
    this.request = request
    this.policy = policy
    this.reuse = reuseOf(request, policy)
    this.wall = request.timeout === undefined ? limit : millis(Math.min(limit, request.timeout))
    this.env = member.record.env
    this.admittedAt = clock.now()
    this.#member = member
    this.#clock = clock
    this.#runs = runs
    runs.start()
  }

  charged(units: Units): void {
    this.#member.units.take(this.policy.rate, units, this.#clock.elapsed())
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.#runs.end()
  }
}
