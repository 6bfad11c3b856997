import type { Clock } from '../core/clock.ts'
import {
  type AttackNumber,
  type AttackClass,
  type ClassedAttack,
  type Step,
  type Stopper,
  memoryLimitOf,
  policyOf,
  timeoutOf,
} from './attack.ts'
import { type Door, type DoorAnswer, parseAnswer, putTenant } from './door.ts'
import { type Shot, type Tolerance, isBackedOff, judge, judgeWorst, readShot, stopperOf } from './judge.ts'

/** A run that an attack has had answered: what its tenant's ledger must hold. */
export interface AnsweredRun {
  readonly tenant: string
  readonly runId: string
  readonly status: string
}

/** What became of one attack. */
export interface Verdict {
  readonly number: AttackNumber
  readonly class: AttackClass
  readonly title: string
  readonly contained: boolean
  /** What is wrong, each once. Empty if it was contained. */
  readonly faults: readonly string[]
  /** How its runs ended, each ending once. */
  readonly endings: readonly string[]
  /** The strongest means that was needed. */
  readonly stoppedBy: Stopper
  readonly runs: number
  /** The furthest that a run went past its deadline, in ms; 0 if none did. */
  readonly lateMs: number
  /** The highest memory of a run, in MB, as far as the host saw one. */
  readonly peakMemoryMb: number | undefined
  readonly memoryLimitMb: number
  readonly startedMs: number
  readonly endedMs: number
}

interface Parts {
  readonly door: Door
  readonly clock: Clock
  readonly tolerance: Tolerance
  /** Texts that must be in no answer. */
  readonly secrets: readonly string[]
  /** Told of each tenant before it is made, so that it can be taken away again. */
  readonly onTenant: (tenant: string) => void
}

const STRENGTH: Readonly<Record<Stopper, number>> = { refusal: 0, isolate: 1, abort: 2, kill: 3 }
/** Waits that a platform which backs off may ask for between the steps of one attack, together. In ms. */
const BACKED_OFF_MAX_MS = 10_000
/** What the tenant of an attack has to be able to do right after it. */
const NEXT: Step = { code: 'return 6 * 7', ends: ['ok', 'backed-off'], returns: 42 }

/**
 * Carries out one attack under tenants of its own, whose names begin with `name`, and judges it. Never rejects: what goes
 * wrong is a fault of the verdict.
 */
export async function strike(
  attack: ClassedAttack,
  name: string,
  parts: Parts,
): Promise<{ verdict: Verdict; runs: readonly AnsweredRun[] }> {
  const { clock } = parts
  const startedMs = clock.elapsed()
  const campaign = new Strike(attack, name, parts)
  try {
    await campaign.run()
  } catch (error) {
    campaign.faults.add(error instanceof Error ? error.message : String(error))
  }
  const { endings, stoppedBy, runs, lateMs, peakMemoryMb } = campaign
  const memoryLimitMb = memoryLimitOf(attack)
  const faults = [...campaign.faults, ...judgeWorst({ lateMs, peakMemoryMb, memoryLimitMb }, parts.tolerance)]
  const verdict: Verdict = {
    number: attack.number,
    class: attack.class,
    title: attack.title,
    contained: faults.length === 0,
    faults,
    endings: [...endings],
    stoppedBy,
    runs: campaign.count,
    lateMs,
    peakMemoryMb,
    memoryLimitMb,
    startedMs,
    endedMs: clock.elapsed(),
  }
  return { verdict, runs }
}

/** One attack under way. */
class Strike {
  readonly faults = new Set<string>()
  readonly endings = new Set<string>()
  readonly runs: AnsweredRun[] = []
  stoppedBy: Stopper = 'refusal'
  count = 0
  lateMs = 0
  peakMemoryMb: number | undefined
  readonly #attack: ClassedAttack
  readonly #name: string
  readonly #parts: Parts

  constructor(attack: ClassedAttack, name: string, parts: Parts) {
    this.#attack = attack
    this.#name = name
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { steps } = this.#attack
    for (const tenant of new Set(['attacker' as const, ...steps.map(({ as }) => as ?? ('attacker' as const))])) {
      this.#parts.onTenant(this.#tenant(tenant))
      await putTenant(this.#parts.door, this.#tenant(tenant), policyOf(this.#attack))
    }
    for (const step of steps) {
      for (let time = step.times ?? 1; time > 0; time -= 1) {
        await Promise.all(Array.from({ length: step.atOnce ?? 1 }, () => this.#shoot(step)))
      }
    }
    await this.#checkNext()
    await this.#checkHost()
  }

  #tenant(whose: 'attacker' | 'accomplice'): string {
    return `${this.#name}-${whose === 'attacker' ? 'a' : 'b'}`
  }

  async #shoot(step: Step): Promise<void> {
    const tenant = this.#tenant(step.as ?? 'attacker')
    const shot = await this.#send(tenant, step)
    for (const fault of this.#take(shot, step)) this.faults.add(fault)
    const by = stopperOf(shot)
    if (STRENGTH[by] > STRENGTH[this.stoppedBy]) this.stoppedBy = by
    this.endings.add(readShot(shot).ending)
    this.count += 1
  }

  /** Judges a run and notes what was measured of it. */
  #take(shot: Shot, step: Step): readonly string[] {
    const { overdueMs = 0, peakMemoryMb } = readShot(shot)
    this.lateMs = Math.max(this.lateMs, overdueMs)
    if (peakMemoryMb !== undefined) this.peakMemoryMb = Math.max(this.peakMemoryMb ?? 0, peakMemoryMb)
    return judge(shot, { step, secrets: this.#parts.secrets })
  }

  /** Sends one submission. One that may not be backed off is sent again when the platform says so. */
  async #send(tenant: string, step: Step): Promise<Shot> {
    const { clock } = this.#parts
    const body = bodyOf(step, timeoutOf(step, this.#attack))
    const untilMs = clock.elapsed() + BACKED_OFF_MAX_MS
    for (;;) {
      const shot = await this.#post(tenant, body)
      const { answer } = shot
      const waitMs = answer !== undefined && isBackedOff(answer) ? Number(answer.headers['retry-after']) * 1_000 : NaN
      const isExpected = step.ends.some((ending) => ending === 'backed-off' || ending.endsWith('_LIMITED'))
      if (!(waitMs >= 0) || isExpected || clock.elapsed() + waitMs > untilMs) return shot
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  async #post(tenant: string, body: string): Promise<Shot> {
    const { door } = this.#parts
    let answer: DoorAnswer
    try {
      answer = await door.request('POST', `/v1/tenants/${tenant}/execute`, { body })
    } catch (error) {
      return { answer: undefined, trouble: error instanceof Error ? error.message : String(error) }
    }
    const shot = { answer }
    const { runId, ending } = readShot(shot)
    if (runId === undefined) return shot
    this.runs.push({ tenant, runId, status: ending })
    // The record knows what the answer does not say: why a cell was killed, and how late.
    const record = await door.request('GET', `/v1/tenants/${tenant}/runs/${runId}`)
    return { answer, record: parseAnswer(record.body) }
  }

  /** Whatever happened, the tenant's next run must work, or be refused with the time at which to try again. */
  async #checkNext(): Promise<void> {
    const shot = await this.#post(this.#tenant('attacker'), bodyOf(NEXT, undefined))
    for (const fault of this.#take(shot, NEXT)) this.faults.add(`the tenant’s next run ${fault}`)
  }

  async #checkHost(): Promise<void> {
    const { status } = await this.#parts.door.request('GET', '/healthz')
    if (status !== 200) this.faults.add(`the host answered ${status} to /healthz`)
  }
}

function bodyOf({ code, modules, input }: Step, timeoutMs: number | undefined): string {
  const submission = modules === undefined ? { code } : { modules, main: 'main.js' }
  const text = JSON.stringify({ ...submission, timeoutMs })
  return input === undefined ? text : `${text.slice(0, -1)},"input":${input}}`
}
