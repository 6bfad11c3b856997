import type { ErrorCode } from '../core/errors.ts'
import type { RunStatus } from '../core/outcome.ts'

/** The classes of the catalogue, in the order in which they are shown, with what each tries. */
export const ATTACK_CLASSES = {
  cpu: 'burn CPU for ever, in every place where code can run',
  termination: 'go on after being told to stop',
  memory: 'take more memory than allowed, by every allocator',
  crash: 'bring the cell down',
  boundary: 'hurt whoever reads what crosses: results, errors, logs, inputs',
  escape: 'reach the host, the cell or another realm',
  capability: 'abuse what was granted',
  timing: 'measure time finely enough for a side channel',
  leak: 'find what an earlier run or another tenant left behind',
  flood: 'drown the host in messages',
  neighbour: 'take the machine from the neighbours',
} as const satisfies Record<string, string>

export type AttackClass = keyof typeof ATTACK_CLASSES

/** `A-` and a number that never changes its meaning. */
export type AttackNumber = `A-${number}`

/** How a run may end: a status, a refusal's code, or `backed-off`: any 429 that says when to try again. */
export type AttackEnding = RunStatus | ErrorCode | 'backed-off'

/** What of the platform stops an attack. */
export type Stopper =
  /** The cell ended the run itself, in good order. */
  | 'isolate'
  /** Only the host's SIGKILL ended it. */
  | 'kill'
  /** The cell's process aborted; nothing but the process was lost. */
  | 'abort'
  /** It was refused before a run began. */
  | 'refusal'

/** One submission, or several alike. */
export interface Step {
  readonly code?: string
  /** Files by name, instead of `code`; `main.js` is the first. */
  readonly modules?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly input?: string
  /** The closed list of endings that count as contained. */
  readonly ends: readonly AttackEnding[]
  /** What the code has to return if it ends as `ok`: anything else is a way out. */
  readonly returns?: unknown
  /** The log messages that the run has to have, all of them. */
  readonly logs?: readonly string[]
  /** Whose run it is; the attacker's if absent. */
  readonly as?: 'accomplice'
  /** How many are sent at the same moment. */
  readonly atOnce?: number
  /** How often it is repeated, one after the other. */
  readonly times?: number
}

/** What an attack's tenants may do, besides what {@link policyOf} gives all of them. */
export interface PolicyChange {
  readonly limits?: Readonly<Record<string, number>>
  readonly rate?: Readonly<Record<string, number>>
  readonly instance?: Readonly<Record<string, unknown>>
  readonly capabilities?: Readonly<Record<string, unknown>>
}

/** One way to hurt the platform, as data. */
export interface Attack {
  readonly number: AttackNumber
  /** A fragment of a sentence. */
  readonly title: string
  /** One after the other. */
  readonly steps: readonly Step[]
  /** What stops it as a rule. What stopped it in a run of the stress test is measured. */
  readonly stop: Stopper
  readonly policy: PolicyChange
}

/** An attack in its class. */
export interface ClassedAttack extends Attack {
  readonly class: AttackClass
}

interface Extras {
  readonly stop?: Stopper
  readonly policy?: PolicyChange
}

/** Writes one attack down. */
export function attack(
  number: AttackNumber,
  title: string,
  steps: Step | readonly Step[],
  { stop = 'isolate', policy = {} }: Extras = {},
): Attack {
  return { number, title, steps: 'ends' in steps ? [steps] : steps, stop, policy }
}

/** Wall limit of runs that only a limit ends: short, so that a whole catalogue takes minutes. In ms. */
const SHORT_WALL_MS = 300
/** Wall limit of runs that end by themselves or by another limit, also on a busy machine. In ms. */
const LONG_WALL_MS = 30_000
/** CPU limit where it is not the one that is attacked: that of eight busy threads, the most that a policy grants. */
const CPU_PER_WALL = 8
/** Longest wait of attackers for a turn and for a cell, also on a busy machine. In ms. */
const QUEUE_WAIT_MS = 30_000
/** Memory limit of attackers. In MiB. */
const MEMORY_MB = 64
/** Attackers' cells go soon. In ms. */
const IDLE_MS = 1_000

/** The memory limit of the attack's tenants, in MiB. */
export function memoryLimitOf({ policy }: Attack): number {
  return policy.limits?.['memoryMb'] ?? MEMORY_MB
}

/** How much the call itself shortens the run: a step that is meant to end as `timeout` does so soon. In ms. */
export function timeoutOf(step: Step, { policy }: Attack): number | undefined {
  return step.ends[0] === 'timeout' && policy.limits?.['wallMs'] === undefined ? SHORT_WALL_MS : undefined
}

/** The policy of the attack's tenants, as JSON: an overlay of `default`. */
export function policyOf(attack: Attack): object {
  const { limits, rate, instance, capabilities } = attack.policy
  const wallMs = limits?.['wallMs'] ?? LONG_WALL_MS
  return {
    extends: 'default',
    limits: {
      wallMs,
      cpuMs: wallMs * CPU_PER_WALL,
      memoryMb: memoryLimitOf(attack),
      queueWaitMs: QUEUE_WAIT_MS,
      ...limits,
    },
    instance: { idleMs: IDLE_MS, ...instance },
    ...(rate !== undefined && { rate }),
    ...(capabilities !== undefined && { capabilities }),
  }
}
