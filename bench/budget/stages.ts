/** Where time of the host's main thread can go: the first rule that a function matches names its stage. */
interface Rule {
  readonly stage: string
  /** Matched against `file function`, files relative to the program. */
  readonly pattern: RegExp
}

/**
 * Functions of Node and of packages have no rule of their own where they do work for one of our stages: such a function
 * counts for the nearest caller that has one.
 */
export const RULES: readonly Rule[] = [
  { stage: 'garbage collection', pattern: /\(garbage collector\)/ },
  { stage: 'idle', pattern: /\(idle\)/ },
  { stage: 'program (native code, kernel)', pattern: /\(program\)|\(root\)/ },
  { stage: 'read body', pattern: /gateway\/body-reader/ },
  { stage: 'check body, artifact', pattern: /gateway\/(json-|execute-body)|functions\// },
  { stage: 'answer', pattern: /gateway\/(answer|run-view)|billing\/(price|decimal|usage|billing\.ts cost)/ },
  { stage: 'authenticate', pattern: /admission\/(keyring|keys|principal)/ },
  { stage: 'gateway', pattern: /gateway\// },
  { stage: 'admit', pattern: /admission\// },
  { stage: 'ledger post', pattern: /store\// },
  { stage: 'billing', pattern: /billing\// },
  { stage: 'scheduler', pattern: /scheduler\// },
  { stage: 'broker', pattern: /broker\// },
  {
    stage: 'wire: write to cell',
    pattern: /pool\/channel\.ts (?!#receive|#accept|onmessage)|wire\/(to-cell|frame\.ts (add|take|#reserve))/,
  },
  { stage: 'wire: read from cell', pattern: /pool\/channel\.ts|wire\// },
  { stage: 'CPU clock, guard', pattern: /pool\/(guard|meter|watch)/ },
  { stage: 'pool', pattern: /pool\// },
  { stage: 'events, metrics', pattern: /core\/events|telemetry\/|prom-client/ },
  { stage: 'execute', pattern: /src\/execute/ },
  { stage: 'core', pattern: /src\// },
  { stage: 'HTTP parse', pattern: /node:_http|node:internal\/http|http_parser|HTTPParser/ },
  {
    stage: 'promises, ticks, timers',
    pattern: /node:internal\/(process|timers|async_hooks|async_context)|runMicrotasks/,
  },
  { stage: 'sockets', pattern: /node:(net|internal\/stream_base_commons|internal\/streams)/ },
  { stage: 'threads', pattern: /node:internal\/(worker|per_context|event_target)/ },
]

export const OTHER = 'other'
/** Stages that our own code names: what Node does inside them is theirs. */
const NODE_STAGES = new Set(['HTTP parse', 'promises, ticks, timers', 'sockets', 'threads', OTHER])

/** The stage of a function, given its caller's. */
export function stageOf(place: string, caller: string): string {
  const own = RULES.find(({ pattern }) => pattern.test(place))?.stage ?? OTHER
  if (!NODE_STAGES.has(own) || caller === 'program (native code, kernel)') return own
  return NODE_STAGES.has(caller) ? (own === OTHER ? caller : own) : caller
}
