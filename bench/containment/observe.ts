import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import type { Submitted } from './hosts/host.ts'
import { HANG_MS, MEMORY_CEILING_MB, type Observation, type Secrets } from './judge.ts'
import type { Peer } from './peers.ts'
import { EVERYDAY_WALL_MS, type Feature, type Input, LIMITS, type Program } from './program.ts'
import { EVERYDAY, EVERYDAY_ANSWER, FEATURES } from './programs.ts'
import { SupervisedHost } from './supervised.ts'

const MB = 2 ** 20
/** A first run is slow, and on a busy machine slower than its limit: it is tried again until then. */
const WARM_UP_TIMEOUT_MS = 30_000
/** How long after an answer an engine may still collect garbage or replace what was killed. */
const BURN_MS = 1_000
/** From here a program without an answer is far too late however long it takes, and the next host may start beside it. */
const OVERLAP_MS = 2_000
/** An exit is seen a moment later than the silence that it causes. */
const EXIT_NOTICE_MS = 50
const HOST_PATH = fileURLToPath(new URL('../../', import.meta.url))

/** A host that has its programs, and the folder with the files that guests are after. Disposing of it ends and removes both. */
export interface Prepared extends Disposable {
  readonly host: SupervisedHost
  readonly input: Input
  readonly secrets: Secrets
}

/** Starts a fresh host of the peer for one program. */
export async function prepare(peer: Peer, program: Program): Promise<Prepared> {
  using stack = new DisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'containment-'))
  stack.defer(() => removeDirectory(directory))
  const canary = randomUUID()
  const input = { canaryFile: join(directory, 'canary'), markFile: join(directory, 'mark'), n: 21 }
  writeFileSync(input.canaryFile, canary)
  const host = stack.use(await SupervisedHost.start(peer, directory, submissionsOf(program, input)))
  const resources = stack.move()
  return { host, input, secrets: { canary, hostPath: HOST_PATH }, [Symbol.dispose]: () => resources.dispose() }
}

/**
 * Runs the program with an everyday one before and after it, and says what was seen from outside. `decided` is called once
 * nothing that is timed is going on any more.
 */
export async function observe({ host, input }: Prepared, program: Program, decided: () => void): Promise<Observation> {
  const base = await warmUp(host)
  host.memoryCeilingBytes = base + MEMORY_CEILING_MB * MB
  const overlap = setTimeout(decided, OVERLAP_MS)
  let timed = await timedRun(host, 'program')
  if (program.next !== undefined && timed !== undefined) timed = await timedRun(host, 'next')
  clearTimeout(overlap)
  decided()
  if (timed === undefined) await pause(EXIT_NOTICE_MS)
  const answeredNext = timed !== undefined && (await answersEveryday(host))
  const quiet = !answeredNext || (await host.quiet(BURN_MS))
  return {
    ...(timed && { answeredMs: timed.ms, ending: timed.answer.ending }),
    peakMb: Math.max(0, host.takePeakBytes() - base) / MB,
    hostDied: host.died,
    answeredNext,
    burnsOn: !quiet,
    polluted: timed?.answer.polluted === true,
    marked: existsSync(input.markFile),
  }
}

/** The features of the peer's engine. Rejects if it cannot even say. */
export async function featuresOf(peer: Peer): Promise<ReadonlySet<Feature>> {
  using prepared = await prepare(peer, { name: 'features', class: 'control', does: '', code: FEATURES })
  return new Set(JSON.parse(await valueOf(prepared.host, 'program')) as Feature[])
}

function removeDirectory(directory: string): void {
  // Those who were killed may take a moment to let go.
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 })
}

/** Runs the everyday program, and gives back the memory that the peer needs to run anything at all, a process for the run included. */
async function warmUp(host: SupervisedHost): Promise<number> {
  host.takePeakBytes()
  const text = await valueOf(host, 'before')
  if (text !== EVERYDAY_ANSWER) throw new Error(`the everyday program answers ${text}`)
  await host.quiet(BURN_MS)
  return host.takePeakBytes()
}

/** Whether the host answers the next customer, be it at the second try. */
async function answersEveryday(host: SupervisedHost): Promise<boolean> {
  const endsAt = performance.now() + EVERYDAY_WALL_MS
  for (let left: number = EVERYDAY_WALL_MS; left > 0 && !host.died; left = endsAt - performance.now()) {
    if ((await host.run('after', left))?.ending.text === EVERYDAY_ANSWER) return true
  }
  return false
}

async function valueOf(host: SupervisedHost, name: string): Promise<string> {
  const endsAt = performance.now() + WARM_UP_TIMEOUT_MS
  for (;;) {
    const answer = await host.run(name, Math.max(1, endsAt - performance.now()))
    if (answer?.ending.kind === 'value') return answer.ending.text
    if (host.died || performance.now() > endsAt)
      throw new Error(`the program "${name}" ends with ${JSON.stringify(answer?.ending)}`)
  }
}

async function timedRun(host: SupervisedHost, name: string) {
  const sentAt = performance.now()
  const answer = await host.run(name, HANG_MS)
  return answer && { answer, ms: performance.now() - sentAt }
}

function submissionsOf({ code, next }: Program, input: Input): readonly Submitted[] {
  const everyday = { customer: 'neighbour', code: EVERYDAY, input, wallMs: EVERYDAY_WALL_MS } as const
  const attack = { customer: 'attacker', input, wallMs: LIMITS.wallMs } as const
  return [
    { ...everyday, name: 'before' },
    { ...attack, name: 'program', code },
    ...(next === undefined ? [] : [{ ...attack, name: 'next', code: next }]),
    { ...everyday, name: 'after' },
  ]
}
