import type { Input } from '../program.ts'

export type Customer = 'attacker' | 'neighbour'

/** A program as the host of a peer gets it: it knows nothing of classes and verdicts. */
export interface Submitted {
  readonly name: string
  readonly customer: Customer
  /** Its limit of wall time. */
  readonly wallMs: number
  readonly code: string
  readonly input: Input
}

/** How a run ended, in the host's own words. */
export interface Ending {
  readonly kind: 'value' | 'error' | 'limit'
  /** The value as JSON, or the message. */
  readonly text: string
}

/** What a host does with a program: as a careful user of the peer would write it, following its documentation. */
export type Run = (program: Submitted) => Promise<Ending>

export type ToHost =
  { readonly kind: 'load'; readonly programs: readonly Submitted[] } | { readonly kind: 'run'; readonly name: string }
export type FromHost =
  | { readonly kind: 'ready' }
  /** `polluted`: a plain object of the host has a property that no host gave it. */
  | { readonly kind: 'answer'; readonly name: string; readonly ending: Ending; readonly polluted: boolean }

const TEXT_MAX = 20_000

/** Serves the bench: `open` gets every program that may come, and is asked to run them one at a time. */
export function serveHost(open: (programs: readonly Submitted[]) => Promise<Run>): void {
  process.on('disconnect', () => process.exit())
  let run: Run | undefined
  let programs: readonly Submitted[] = []
  process.on('message', (message: ToHost) => {
    if (message.kind === 'load') {
      programs = message.programs
      void open(programs).then((opened) => {
        run = opened
        send({ kind: 'ready' })
      })
      return
    }
    const program = programs.find(({ name }) => name === message.name)
    if (run !== undefined && program !== undefined) void answer(run, program)
  })
}

async function answer(run: Run, program: Submitted): Promise<void> {
  const ending = await run(program).catch((error: unknown): Ending => ({ kind: 'error', text: textOf(error) }))
  const polluted = 'polluted' in {}
  // Cut: how the host passes long answers on is its own affair and not the peer's.
  send({
    kind: 'answer',
    name: program.name,
    ending: { ...ending, text: String(ending.text).slice(0, TEXT_MAX) },
    polluted,
  })
}

function send(message: FromHost): void {
  process.send?.(message)
}

/** The program as an expression that calls it with its input. */
export function callOf({ code, input }: Submitted): string {
  return `(async (input) => {\n${code}\n})(${JSON.stringify(input)})`
}

/** A value as a host would send it to its customer. */
export function valueEnding(value: unknown): Ending {
  return { kind: 'value', text: JSON.stringify(value) ?? 'undefined' }
}

/** The message of whatever was thrown. Careful, because a guest may have made it. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/** Resolves with what `promise` does, or with the ending of the deadline after having called `stop`. */
export async function endBy(
  deadlineMs: number,
  promise: Promise<Ending>,
  stop: () => unknown = () => {},
): Promise<Ending> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), deadlineMs)
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  if (first !== 'late') return first
  promise.catch(() => {})
  await stop()
  return { kind: 'limit', text: 'deadline' }
}
