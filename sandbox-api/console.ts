import { BRIDGE, type Bridge, type RuntimeLimits } from './bridge.ts'
import { StringFunction, create, cut, isArray, now, stringify } from './primordials.ts'

const LEVEL = { debug: 0, info: 1, warn: 2, error: 3 } as const
/** Longest single message in UTF-16 units: three times as much is the most it can be in UTF-8. */
const MESSAGE_MAX = 16_384
const LABELS_MAX = 100

export interface Log {
  write(level: keyof typeof LEVEL, message: string): void
  /** Forgets what has been counted: a new run begins. */
  reset(): void
}

/** Sends log lines to the cell until the run has used up its share, then one line that says so. */
export function createLog(bridge: Bridge, limits: RuntimeLimits): Log {
  let lines = 0
  let size = 0
  let full = false
  return {
    write(level, message) {
      if (full) return
      const text = cut(message, MESSAGE_MAX)
      if (lines >= limits.logLines || size + text.length > limits.logBytes) {
        full = true
        bridge(
          BRIDGE.log,
          LEVEL.warn,
          `[cloister] further log lines are dropped: a run may log ${limits.logLines} lines and ${limits.logBytes} bytes`,
        )
        return
      }
      lines += 1
      size += text.length
      bridge(BRIDGE.log, LEVEL[level], text)
    },
    reset() {
      lines = 0
      size = 0
      full = false
    },
  }
}

/** The guest's `console`: every line is captured as part of the run. */
export function createConsole(log: Log): object {
  let indent = ''
  let counts = create(null) as Record<string, number>
  let timers = create(null) as Record<string, number>
  let labels = 0
  const labelled = (given: unknown): string => {
    labels += 1
    if (labels > LABELS_MAX) {
      counts = create(null) as Record<string, number>
      timers = create(null) as Record<string, number>
      labels = 1
    }
    return given === undefined ? 'default' : cut(StringFunction(given), 200)
  }
  const at =
    (level: keyof typeof LEVEL) =>
    (...args: unknown[]): void =>
      log.write(level, indent + format(args))
  const elapsed = (label: string): string => `${label}: ${now() - (timers[label] ?? now())} ms`
  return {
    log: at('info'),
    info: at('info'),
    debug: at('debug'),
    trace: at('debug'),
    warn: at('warn'),
    error: at('error'),
    dir: (value: unknown): void => log.write('info', indent + show(value)),
    table: (value: unknown): void => log.write('info', indent + show(value)),
    assert(condition?: unknown, ...args: unknown[]): void {
      if (!condition) log.write('error', `${indent}Assertion failed${args.length > 0 ? `: ${format(args)}` : ''}`)
    },
    group(...args: unknown[]): void {
      if (args.length > 0) log.write('info', indent + format(args))
      if (indent.length < 40) indent += '  '
    },
    groupEnd(): void {
      indent = cut(indent, indent.length - 2)
    },
    count(label?: unknown): void {
      const name = labelled(label)
      counts[name] = (counts[name] ?? 0) + 1
      log.write('info', `${indent}${name}: ${counts[name]}`)
    },
    countReset(label?: unknown): void {
      delete counts[labelled(label)]
    },
    time(label?: unknown): void {
      timers[labelled(label)] = now()
    },
    timeLog(label?: unknown): void {
      log.write('info', indent + elapsed(labelled(label)))
    },
    timeEnd(label?: unknown): void {
      const name = labelled(label)
      log.write('info', indent + elapsed(name))
      delete timers[name]
    },
  }
}

/** Text as it is, everything else as JSON, separated by spaces; `%s %d %i %f %j %o %O %%` in the first text are filled in. */
function format(args: readonly unknown[]): string {
  let next = 0
  let text = ''
  const first = args[0]
  if (typeof first === 'string' && args.length > 1) {
    next = 1
    let from = 0
    for (let index = 0; index < first.length - 1; index += 1) {
      if (first[index] !== '%') continue
      const directive = first[index + 1]
      const filled = fill(directive, args, next)
      if (filled === undefined) continue
      text += substring(first, from, index) + filled
      if (directive !== '%') next += 1
      index += 1
      from = index + 1
    }
    text += substring(first, from, first.length)
  }
  for (; next < args.length; next += 1) text += (next > 0 ? ' ' : '') + show(args[next])
  return text
}

function fill(directive: string | undefined, args: readonly unknown[], next: number): string | undefined {
  if (directive === '%') return '%'
  if (next >= args.length) return undefined
  const value = args[next]
  switch (directive) {
    case 's':
      return typeof value === 'object' && value !== null ? show(value) : StringFunction(value)
    case 'd':
    case 'f':
      return StringFunction(typeof value === 'object' ? NaN : +(value as number))
    case 'i':
      return StringFunction(typeof value === 'object' ? NaN : +(value as number) - (+(value as number) % 1))
    case 'j':
    case 'o':
    case 'O':
      return show(value)
    default:
      return undefined
  }
}

function substring(text: string, from: number, to: number): string {
  let part = ''
  // Indexing a primitive string cannot be intercepted by the guest.
  for (let index = from; index < to; index += 1) part += text[index]
  return part
}

function show(value: unknown): string {
  try {
    if (typeof value === 'string') return value
    if (typeof value === 'bigint') return `${StringFunction(value)}n`
    if (typeof value === 'function') return `[function ${StringFunction(value.name)}]`
    if (typeof value !== 'object' || value === null) return StringFunction(value)
    if (value instanceof Error) return StringFunction(value.stack ?? value)
    return stringify(value) ?? (isArray(value) ? '[array]' : '[object]')
  } catch {
    return '[cannot be shown]'
  }
}
