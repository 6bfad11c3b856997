/** Being asked to end, by a signal. Disposing it gives the signals back their usual meaning. */
export interface ShutdownSignal extends Disposable {
  /** Resolves with the first signal's name. */
  readonly requested: Promise<string>
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type Signal = (typeof SIGNALS)[number]
const NUMBERS: Record<Signal, number> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }

/** The part of `process` that is used. */
export interface SignalSource {
  on(event: string, listener: (argument: unknown) => void): unknown
  off(event: string, listener: (argument: unknown) => void): unknown
  exit(code: number): void
}

/**
 * Takes over SIGINT, SIGTERM and SIGHUP. The first asks for an orderly end; a second one, while that is under way, ends the
 * process at once with 128 + its number.
 *
 * An older Node that started this process passes its signals on as messages. Ctrl-C in a terminal, or a supervisor that
 * signals a whole group, comes both ways at once: each way counts for itself, so that it is still one request.
 */
export function listenForShutdown(source: SignalSource): ShutdownSignal {
  const { promise, resolve } = Promise.withResolvers<string>()
  const seen = { direct: 0, passedOn: 0 }
  const count = (way: keyof typeof seen, signal: Signal): void => {
    seen[way] += 1
    resolve(signal)
    if (seen[way] > 1) source.exit(128 + NUMBERS[signal])
  }
  const listeners = new Map<string, (argument: unknown) => void>(
    SIGNALS.map((signal) => [signal, () => count('direct', signal)]),
  )
  listeners.set('message', (message) => {
    const signal = SIGNALS.find((name) => name === (message as { signal?: unknown } | null)?.signal)
    if (signal !== undefined) count('passedOn', signal)
  })
  for (const [event, listener] of listeners) source.on(event, listener)
  return {
    requested: promise,
    [Symbol.dispose]() {
      for (const [event, listener] of listeners) source.off(event, listener)
    },
  }
}
