import type ivm from 'isolated-vm'
import type { Inspected } from '../wire/from-cell.ts'
import { INSPECTION_PAYLOAD_MAX } from '../wire/limits.ts'
import type { Boot, Inspect } from '../wire/to-cell.ts'
import { DevTools } from './devtools.ts'
import type { Realm } from './realm.ts'
import type { SlowSteps } from './run-host.ts'
import { type Step, takeStepSlowly } from './steps.ts'

interface Parts {
  readonly settings: NonNullable<Boot['inspection']>
  readonly realm: Realm
  /** Opens the session, with this thread in the isolate. */
  readonly open: () => ivm.InspectorSession
  /** CPU time of the run after which the host ends the cell. */
  readonly cpuMs: number
  readonly tell: (what: Inspected, text: string) => void
}

/** Scripts of ours, which a debugger steps over. */
const RUNTIME_PATTERN = '^cloister:'
/** Statements that are looked at to find the first one that is executed. */
const STOPS_MAX = 2_000
const SAMPLING_US = 500
/** How often it is looked whether the run comes near its CPU limit. In ms. */
const CPU_CHECK_MS = 10
/** A profile ends so long before the CPU limit, where the cell is killed, but not before half of it. In ms. */
const CPU_MARGIN_MS = 100
/** V8 answers in far less, unless the isolate is gone. In ms. */
const PROFILE_WAIT_MS = 1_500

/** A command of the debugger's, as far as it concerns this side. */
interface Command {
  readonly id: number
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

/**
 * One run that is inspected: waits for a debugger and stops at the run's first statement, or takes a CPU profile.
 *
 * While V8 is paused the thread that is in the isolate takes messages from another thread only. So an inspected run is
 * entered through isolated-vm's threads, and this one stays free for the socket.
 */
export class Inspection implements SlowSteps {
  readonly origin: string
  readonly #parts: Parts
  readonly #tools: DevTools
  readonly #attached = Promise.withResolvers<void>()
  /** Breakpoints at everything that may be the first statement; undefined once it was reached. */
  #stops: string[] | undefined
  #mainScript: string | undefined
  #mainUrl = ''
  #cpuCheck: NodeJS.Timeout | undefined
  #profile: Promise<void> | undefined
  #isEvaluating = false
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.origin = parts.settings.origin
    this.#tools = new DevTools({
      isolate: parts.realm.isolate.vm,
      open: parts.open,
      listener: {
        answered: (id, message) => this.#answer(id, message),
        notified: (message) => this.#notify(message),
      },
    })
  }

  /** Waits for the debugger, or starts the profile. */
  async begin(main: string): Promise<void> {
    this.#mainUrl = this.origin + main
    if (this.#parts.settings.mode === 'debugger') await this.#attached.promise
    else await this.#startProfile()
  }

  async take(step: Step, timeoutMs: number): Promise<void> {
    if (step.kind === 'evaluate' && !this.#isEvaluating) {
      // The main module is linked, and none of the guest's is evaluated yet.
      this.#isEvaluating = true
      if (this.#parts.settings.mode === 'debugger') await this.#stopAtFirstStatement()
    }
    await takeStepSlowly(this.#parts.realm, step, timeoutMs)
  }

  /** What the host hands on from a debugger. */
  heed(inspect: Inspect): void {
    if (inspect.kind === 'detach') this.#detach()
    else this.#forward(inspect.text)
  }

  /** Tells what is left to tell: a promise the first time, if there is anything. The session is closed after that. */
  close(): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    this.#isClosed = true
    clearInterval(this.#cpuCheck)
    if (this.#parts.settings.mode === 'profile' && !this.#parts.realm.isolate.vm.isDisposed) {
      return Promise.race([this.#takeProfile(), wait(PROFILE_WAIT_MS)]).then(() => this.#tools.close())
    }
    this.#tools.close()
    return undefined
  }

  #forward(text: string): void {
    const command = readCommand(text)
    if (command === undefined) return
    const { id, method, params } = command
    if (method === 'Debugger.setBlackboxPatterns' && Array.isArray(params?.['patterns'])) {
      const patterns = [...(params['patterns'] as unknown[]), RUNTIME_PATTERN]
      return this.#tools.forward(id, JSON.stringify({ ...command, params: { ...params, patterns } }))
    }
    this.#tools.forward(id, text)
    if (method === 'Debugger.enable') {
      void this.#tools.command('Debugger.setBlackboxPatterns', { patterns: [RUNTIME_PATTERN] })
    }
    if (method === 'Runtime.runIfWaitingForDebugger') this.#attached.resolve()
  }

  /** V8 lets go of a paused guest, and forgets the breakpoints. */
  #detach(): void {
    this.#tools.forget()
    this.#stops = undefined
    for (const domain of ['Debugger', 'Runtime', 'Profiler', 'HeapProfiler']) {
      void this.#tools.command(`${domain}.disable`)
    }
  }

  /**
   * A request to pause at the next call would be lost: V8 keeps it with the thread, and each entry may have another one.
   * Breakpoints stay with the script. Without a debugger that has enabled them there is no stop.
   */
  async #stopAtFirstStatement(): Promise<void> {
    // What V8 has told of the script comes before this answer.
    await this.#tools.command('Runtime.getIsolateId')
    const scriptId = this.#mainScript
    if (scriptId === undefined) return
    const start = { scriptId, lineNumber: 0, columnNumber: 0 }
    const { result } = await this.#tools.command('Debugger.getPossibleBreakpoints', { start })
    const locations = (result?.['locations'] ?? []) as { lineNumber: number; columnNumber: number; type?: string }[]
    // The end of a module that has nothing but functions: the first statement is in one of them.
    if (locations.at(-1)?.type === 'return') locations.pop()
    const replies = await Promise.all(
      locations
        .slice(0, STOPS_MAX)
        .map(({ lineNumber, columnNumber }) =>
          this.#tools.command('Debugger.setBreakpoint', { location: { scriptId, lineNumber, columnNumber } }),
        ),
    )
    this.#stops = replies.flatMap((reply) => (reply.result ? [String(reply.result['breakpointId'])] : []))
  }

  #answer(id: number, message: string): void {
    if (fits(message)) return this.#parts.tell('message', message)
    this.#parts.tell('message', JSON.stringify({ id, error: { code: -32_000, message: 'the answer is too long' } }))
  }

  #notify(message: string): void {
    if (message.startsWith('{"method":"Debugger.scriptParsed"')) this.#noteScript(message)
    const told = message.startsWith('{"method":"Debugger.paused"') ? this.#atStop(message) : message
    if (fits(told)) this.#parts.tell('message', told)
  }

  #noteScript(message: string): void {
    const { params } = JSON.parse(message) as { params: { scriptId: string; url: string } }
    if (params.url === this.#mainUrl) this.#mainScript = params.scriptId
  }

  /** The first pause is told as Node tells it; our breakpoints go. */
  #atStop(message: string): string {
    const stops = this.#stops
    if (stops === undefined) return message
    this.#stops = undefined
    for (const breakpointId of stops) void this.#tools.command('Debugger.removeBreakpoint', { breakpointId })
    const paused = JSON.parse(message) as { params: { hitBreakpoints?: string[] } }
    const hitBreakpoints = paused.params.hitBreakpoints?.filter((hit) => !stops.includes(hit)) ?? []
    return JSON.stringify({ ...paused, params: { ...paused.params, reason: 'Break on start', hitBreakpoints } })
  }

  async #startProfile(): Promise<void> {
    await this.#tools.command('Profiler.enable')
    await this.#tools.command('Profiler.setSamplingInterval', { interval: SAMPLING_US })
    await this.#tools.command('Profiler.start')
    const before = process.cpuUsage()
    const { cpuMs } = this.#parts
    const coveredMs = Math.max(cpuMs / 2, Math.min(cpuMs - CPU_MARGIN_MS, cpuMs * 0.95))
    this.#cpuCheck = setInterval(() => {
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1_000 >= coveredMs) void this.#takeProfile()
    }, CPU_CHECK_MS)
  }

  /** Ends the profile and tells it, once. */
  #takeProfile(): Promise<void> {
    clearInterval(this.#cpuCheck)
    this.#profile ??= this.#tools.command('Profiler.stop').then(({ result }) => {
      const text = JSON.stringify(result?.['profile'] ?? null)
      if (fits(text)) this.#parts.tell('profile', text)
    })
    return this.#profile
  }
}

/** What a debugger says, if it is a command at all. */
function readCommand(text: string): Command | undefined {
  try {
    const command = JSON.parse(text) as Partial<Command> | null
    return Number.isInteger(command?.id) && typeof command?.method === 'string' ? (command as Command) : undefined
  } catch {
    return undefined
  }
}

function fits(text: string): boolean {
  // Each unit is at most three bytes.
  return text.length * 3 <= INSPECTION_PAYLOAD_MAX
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
