import { isDeepStrictEqual } from 'node:util'
import type { Step, Stopper } from './attack.ts'
import { type DoorAnswer, parseAnswer, pick, pickNumber, pickText } from './door.ts'

/** How far the platform may pass a limit. */
export interface Tolerance {
  /** After a run's deadline, by the platform's own figure of its wall time. */
  readonly lateMs: number
  /** Above a run's memory limit, by the host's own figure of the cell's memory. */
  readonly memoryMb: number
}

/** What the stress test holds a platform to. */
export const TOLERANCE: Tolerance = { lateMs: 300, memoryMb: 64 }

/** One run of an attack, as it was answered. */
export interface Shot {
  readonly answer: DoorAnswer | undefined
  /** Why there is no answer. */
  readonly trouble?: string
  /** The run's record, which knows more than the answer. */
  readonly record?: unknown
}

/** What is measured of one run. */
export interface Reading {
  /** How it ended: a status, a refusal's code, or what went wrong. */
  readonly ending: string
  readonly runId: string | undefined
  /** How far past its deadline it was ended. */
  readonly overdueMs: number | undefined
  readonly peakMemoryMb: number | undefined
}

interface Case {
  readonly step: Step
  /** Texts that must be in no answer. */
  readonly secrets: readonly string[]
}

/** The worst that can be said of an attack. */
export const LEAK_FAULT = 'its answer holds the secret of a neighbour'

/** What no answer may show: the host's own places and modules. */
const HOST_TRACES =
  /node:internal|node:electron|<isolated-vm|isolated_vm|node_modules|file:\/\/\/\S*cell|\/cell-[0-9a-f]/
/** What no error may show: frames that are not the guest's. A guest that reads its own stack sees names of frames. */
const RUNTIME_TRACES = /cloister:/

/** Reads an answer. */
export function readShot({ answer, trouble, record }: Shot): Reading {
  if (answer === undefined) return reading(trouble ?? 'no answer')
  const body = parseAnswer(answer.body)
  if (answer.status !== 200) {
    const code = pickText(body, 'error', 'code') ?? `HTTP ${answer.status}`
    return reading(code)
  }
  return {
    ending: pickText(body, 'status') ?? 'an answer without a status',
    runId: pickText(body, 'runId'),
    overdueMs: pickNumber(record, 'overdueMs'),
    peakMemoryMb: pickNumber(body, 'usage', 'peakMemoryMb'),
  }
}

function reading(ending: string): Reading {
  return { ending, runId: undefined, overdueMs: undefined, peakMemoryMb: undefined }
}

/** Everything that is wrong with one run of an attack; nothing if it was contained. Pure. */
export function judge(shot: Shot, { step, secrets }: Case): readonly string[] {
  const { answer, record } = shot
  const { ending, runId } = readShot(shot)
  const faults: string[] = []
  if (!isExpected(ending, answer, step))
    faults.push(`ended as ${ending}, not as ${step.ends.join(' or ')}${hint(answer)}`)
  if (answer === undefined) return faults
  if (ending === 'ok') faults.push(...judgeResult(answer.body, step))
  if (runId !== undefined && pickText(record, 'status') !== ending) {
    faults.push(`its record says ${JSON.stringify(pick(record, 'status'))}, its answer ${ending}`)
  }
  if (secrets.some((secret) => answer.body.includes(secret))) faults.push(LEAK_FAULT)
  const error = JSON.stringify(pick(parseAnswer(answer.body), 'error')) ?? ''
  const trace = (HOST_TRACES.exec(answer.body) ?? RUNTIME_TRACES.exec(error))?.[0]
  if (trace !== undefined) faults.push(`its answer shows something of the host: ${JSON.stringify(trace)}`)
  return faults
}

function isExpected(ending: string, answer: DoorAnswer | undefined, { ends }: Step): boolean {
  if (answer !== undefined && isBackedOff(answer) && ends.includes('backed-off')) return true
  return (ends as readonly string[]).includes(ending)
}

/** Whether the platform said no for now, and when to ask again. */
export function isBackedOff({ status, headers }: DoorAnswer): boolean {
  return status === 429 && headers['retry-after'] !== undefined
}

/** What a person needs to see why: the start of what came instead. */
function hint(answer: DoorAnswer | undefined): string {
  if (answer === undefined) return ''
  const body = parseAnswer(answer.body)
  const message = pickText(body, 'error', 'message')
  return message === undefined ? '' : ` (${message.slice(0, 200)})`
}

function judgeResult(body: string, step: Step): readonly string[] {
  const answer = parseAnswer(body)
  const faults: string[] = []
  const result = pick(answer, 'result')
  if (!isDeepStrictEqual(result, step.returns)) {
    faults.push(`returned ${shorten(result)}, not ${shorten(step.returns)}`)
  }
  if (step.logs === undefined) return faults
  const lines = pick(answer, 'logs')
  const messages = Array.isArray(lines) ? lines.map((line) => pickText(line, 'message')) : lines
  if (!isDeepStrictEqual(messages, step.logs)) faults.push(`logged ${shorten(messages)}, not ${shorten(step.logs)}`)
  return faults
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}

/** The worst of an attack's runs. */
export interface Worst {
  readonly lateMs: number
  readonly peakMemoryMb: number | undefined
  readonly memoryLimitMb: number
}

/** Which limits the worst runs passed by more than is tolerated. Pure. */
export function judgeWorst(
  { lateMs, peakMemoryMb = 0, memoryLimitMb }: Worst,
  tolerance: Tolerance,
): readonly string[] {
  const faults: string[] = []
  if (lateMs > tolerance.lateMs) faults.push(`was ended ${Math.round(lateMs)} ms after its deadline`)
  if (peakMemoryMb > memoryLimitMb + tolerance.memoryMb) {
    faults.push(`took ${Math.round(peakMemoryMb)} MB with a limit of ${memoryLimitMb} MB`)
  }
  return faults
}

/** Ends that the process made itself: it aborted, or left. */
const ABORTS: ReadonlySet<string> = new Set(['out-of-memory', 'crash', 'exit'])

/** What stopped a run. */
export function stopperOf({ answer, record }: Shot): Stopper {
  const killReason = pickText(record, 'killReason')
  if (answer === undefined || answer.status !== 200) return 'refusal'
  if (killReason === undefined) return 'isolate'
  return ABORTS.has(killReason) ? 'abort' : 'kill'
}
