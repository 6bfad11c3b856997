import type { Clock } from '../core/clock.ts'
import type { InspectedRun, Inspection } from '../core/inspection.ts'
import type { LogLine } from '../core/run.ts'

/** A debugger that is connected. */
export interface Debugger {
  send(message: string): void
  close(): void
}

interface Parts {
  readonly clock: Clock
  readonly title: string
  readonly origin: string
}

/** What a debugger may say before the run is there. */
const WAITING_MAX = 1_000

const CONSOLE_TYPES = { debug: 'debug', info: 'log', warn: 'warning', error: 'error' } as const satisfies Record<
  LogLine['level'],
  string
>

/** Stands between the one debugger and the one run: whoever comes first waits for the other. */
export class DebuggedRun implements Inspection {
  readonly mode = 'debugger'
  readonly origin: string
  readonly title: string
  readonly #clock: Clock
  #debugger: Debugger | undefined
  #run: InspectedRun | undefined
  #waiting: string[] = []
  /** The guest's context, once the debugger knows of it. */
  #context: number | undefined

  constructor({ clock, title, origin }: Parts) {
    this.#clock = clock
    this.origin = origin
    this.title = title
  }

  get url(): string {
    return this.origin + this.title
  }

  /** Connects a debugger, in place of one that is. Returns what ends it. */
  attach(next: Debugger): () => void {
    this.#debugger?.close()
    this.#detach()
    this.#debugger = next
    return () => {
      if (this.#debugger === next) this.#detach()
    }
  }

  /** A message of the debugger's. */
  take(message: string): void {
    if (this.#run !== undefined) this.#run.send(message)
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(message)
  }

  began(run: InspectedRun): void {
    this.#run = run
    for (const message of this.#waiting.splice(0)) run.send(message)
  }

  received(message: string): void {
    const told = message.startsWith(CONTEXT_CREATED) ? this.#introduce(message) : message
    if (told !== undefined) this.#debugger?.send(told)
  }

  profiled(): void {}

  /** The guest's console is Cloister's own, of which V8 knows nothing: a debugger is told here. */
  logged({ level, message }: LogLine): void {
    if (this.#context === undefined) return
    const params = {
      type: CONSOLE_TYPES[level],
      args: [{ type: 'string', value: message }],
      executionContextId: this.#context,
      timestamp: this.#clock.now(),
    }
    this.#debugger?.send(JSON.stringify({ method: 'Runtime.consoleAPICalled', params }))
  }

  ended(): void {
    this.#run = undefined
    this.#context = undefined
  }

  #detach(): void {
    if (this.#debugger === undefined) return
    this.#debugger = undefined
    this.#context = undefined
    this.#waiting = []
    this.#run?.detach()
  }

  /** The guest's context goes by the name of its file; the one that isolated-vm keeps for itself stays unknown. */
  #introduce(message: string): string | undefined {
    const { method, params } = JSON.parse(message) as { method: string; params: { context: ContextFacts } }
    if (params.context.name === 'default') return undefined
    this.#context = params.context.id
    return JSON.stringify({ method, params: { ...params, context: { ...params.context, name: this.title } } })
  }
}

interface ContextFacts {
  readonly id: number
  readonly name: string
}

const CONTEXT_CREATED = '{"method":"Runtime.executionContextCreated"'
