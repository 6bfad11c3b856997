import { BRIDGE, type Bridge, type RuntimeLimits } from './bridge.ts'
import type { Clock } from './clock.ts'
import {
  ErrorConstructor,
  NumberFunction,
  StringFunction,
  cut,
  defineProperty,
  indexOf,
  isArray,
  isTypedArray,
  max,
  min,
  parseFloat,
  parseInt,
  stringify,
  table,
  toStringTag,
} from './primordials.ts'

const LEVEL = { debug: 0, info: 1, warn: 2, error: 3 } as const
/** Longest single message in UTF-16 units: three times as much is the most it can be in UTF-8. */
const MESSAGE_MAX = 16_384
/** Items of a list that are shown: a message has no room for more of them, and a log line must not cost a copy of all data. */
const ITEMS_MAX = 1_000
const LABELS_MAX = 100
const LABEL_MAX = 200
/** Groups that are indented; deeper ones are not any further. */
const INDENT_MAX = 20

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
export function createConsole(log: Log, { now }: Clock): object {
  let depth = 0
  const counts = createTally()
  const starts = createTally()
  const write = (level: keyof typeof LEVEL, text: string): void => log.write(level, indentation(depth) + text)
  const at =
    (level: keyof typeof LEVEL) =>
    (...args: unknown[]): void =>
      write(level, format(args))
  const group = (...args: unknown[]): void => {
    if (args.length > 0) write('info', format(args))
    depth += 1
  }
  const elapsed = (label: string): string => `${label}: ${now() - (starts.get(label) ?? now())} ms`
  // Web IDL's namespace object: its prototype is an empty object, and no method has a parameter that must be given.
  const namespace = {
    __proto__: {},
    log: at('info'),
    info: at('info'),
    debug: at('debug'),
    trace: at('debug'),
    warn: at('warn'),
    error: at('error'),
    clear: (): void => {},
    dir: (value: unknown = undefined): void => write('info', show(value)),
    dirxml: at('info'),
    table: (value: unknown = undefined): void => write('info', show(value)),
    assert(condition: unknown = undefined, ...args: unknown[]): void {
      if (!condition) write('error', `Assertion failed${args.length > 0 ? `: ${format(args)}` : ''}`)
    },
    group,
    groupCollapsed: group,
    groupEnd(): void {
      depth = max(0, depth - 1)
    },
    count(given: unknown = undefined): void {
      const label = labelOf(given)
      const count = (counts.get(label) ?? 0) + 1
      counts.set(label, count)
      write('info', `${label}: ${count}`)
    },
    countReset: (label: unknown = undefined): void => counts.delete(labelOf(label)),
    time: (label: unknown = undefined): void => starts.set(labelOf(label), now()),
    timeLog: (label: unknown = undefined): void => write('info', elapsed(labelOf(label))),
    timeEnd(given: unknown = undefined): void {
      const label = labelOf(given)
      write('info', elapsed(label))
      starts.delete(label)
    },
  }
  const tag = { __proto__: null, value: 'console', writable: false, configurable: true, enumerable: false }
  return defineProperty(namespace, toStringTag, tag as PropertyDescriptor)
}

function indentation(depth: number): string {
  let indent = ''
  for (let level = min(depth, INDENT_MAX); level > 0; level -= 1) indent += '  '
  return indent
}

function labelOf(given: unknown): string {
  return given === undefined ? 'default' : cut(StringFunction(given), LABEL_MAX)
}

/** Numbers by label. A guest makes as many labels as it likes: when there are too many, all are forgotten. */
function createTally() {
  let numbers = table<number>()
  let size = 0
  return {
    get: (label: string): number | undefined => numbers[label],
    set(label: string, value: number): void {
      if (numbers[label] === undefined) {
        if (size >= LABELS_MAX) numbers = table<number>()
        size = size >= LABELS_MAX ? 1 : size + 1
      }
      numbers[label] = value
    },
    delete(label: string): void {
      if (numbers[label] !== undefined) size -= 1
      delete numbers[label]
    },
  }
}

/** Text as it is, everything else as JSON, separated by spaces; `%s %d %i %f %j %o %O %c %%` in the first text are filled in. */
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
      return typeof value === 'bigint' ? StringFunction(value) : show(value)
    case 'd':
      return number(value, NumberFunction)
    case 'i':
      return number(value, parseInt)
    case 'f':
      return number(value, parseFloat)
    case 'j':
    case 'o':
    case 'O':
      return show(value)
    case 'c':
      // A style: there is nothing here to apply it to.
      return ''
    default:
      return undefined
  }
}

/** Only what is a primitive is turned into a number: anything else could have the guest's code run, or throw. */
function number(value: unknown, convert: (text: string) => number): string {
  if (typeof value === 'bigint') return `${StringFunction(value)}n`
  if (typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol') return 'NaN'
  return StringFunction(convert(value as string))
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
    if (value instanceof ErrorConstructor) return showError(value)
    return stringify(value, createReplacer()) ?? (isArray(value) ? '[array]' : '[object]')
  } catch {
    return '[cannot be shown]'
  }
}

/** The objects around a value, from the inside out. */
interface Around {
  readonly value: object
  /** What is shown for it. */
  readonly shown: object
  readonly outer: Around | undefined
}

/** Makes text of what JSON cannot hold, so that one BigInt or a circle does not hide all the rest. */
function createReplacer(): (this: unknown, key: string, value: unknown) => unknown {
  let around: Around | undefined
  return function (_key, value) {
    if (typeof value === 'bigint') return `${StringFunction(value)}n`
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof ErrorConstructor) return showError(value)
    while (around !== undefined && around.shown !== this) around = around.outer
    for (let each = around; each !== undefined; each = each.outer) if (each.value === value) return '[circular]'
    const shown = shortened(value)
    around = { value, shown, outer: around }
    return shown
  }
}

/** A list without what is beyond the items that are shown; typed arrays as lists. Everything else is given back. */
function shortened(value: object): object {
  const isTyped = isTypedArray(value)
  if (!isTyped && !isArray(value)) return value
  const list = value as readonly unknown[]
  const { length } = list
  if (length <= ITEMS_MAX && !isTyped) return value
  const items: unknown[] = []
  const count = min(length, ITEMS_MAX)
  for (let index = 0; index < count; index += 1) append(items, list[index])
  if (length > count) append(items, `… ${length - count} more`)
  return items
}

function append(items: unknown[], value: unknown): void {
  const property = { __proto__: null, value, writable: true, enumerable: true, configurable: true }
  defineProperty(items, items.length, property as PropertyDescriptor)
}

/** The stack, without the frames of this runtime: they say nothing to the tenant. */
function showError(error: Error): string {
  const stack = cut(StringFunction(error.stack ?? error), MESSAGE_MAX)
  let kept = ''
  for (let from = 0; from <= stack.length;) {
    const end = indexOf(stack, '\n', from)
    const line = substring(stack, from, end)
    if (indexOf(line, 'cloister:runtime', 0) === line.length) kept += (from > 0 ? '\n' : '') + line
    from = end + 1
  }
  return kept
}
