import { handleBatch } from './message-batch.ts'
import { apply, parse } from './primordials.ts'
import type { Answering } from './web/handler.ts'
import type { Web } from './web/host.ts'

/** What a run calls of the guest's, or why it can call nothing. Both fields are always there: a guest can give any object more. */
export interface EntryPoint {
  readonly call: ((input: unknown, context: object) => unknown) | undefined
  readonly fault: string | undefined
}

interface Parts {
  readonly openWeb: () => Web
  readonly answering: Answering
}

type Callable = (...args: unknown[]) => unknown

/** Finds what the code's default export has for a trigger: itself, or the handler of that name. */
export function findEntryPoint(exported: unknown, trigger: unknown, { openWeb, answering }: Parts): EntryPoint {
  if (trigger === 'http') {
    const handle = memberOf(exported, 'fetch')
    if (typeof handle !== 'function') {
      return missing(
        'the code has no handler for HTTP requests: write ' +
          '`export default { async fetch(request, context) { return new Response(…) } }`',
      )
    }
    const call = (input: unknown, context: object): unknown =>
      openWeb().handleFetch((request) => apply(handle as Callable, exported, [request, context]), input, answering)
    return { call, fault: undefined }
  }
  if (trigger === 'load') return handlersOf(exported)
  const named = handlerOf(trigger)
  if (named !== undefined) {
    const handle = memberOf(exported, named) as Callable
    if (typeof handle !== 'function') return missing(`the code has no handler \`${named}\` for what triggers it`)
    const isBatch = named === 'queue'
    const call = (input: unknown, context: object): unknown =>
      isBatch ? handleBatch(handle, exported, input, context) : apply(handle, exported, [input, context])
    return { call, fault: undefined }
  }
  if (typeof exported === 'function') return { call: exported as Callable, fault: undefined }
  return missing('the code exports no default function: write `export default async function (input, context) { … }`')
}

/** What deals with the events of a source; undefined: the function itself. */
function handlerOf(trigger: unknown): 'queue' | 'scheduled' | 'blob' | 'doc' | undefined {
  if (trigger === 'queue' || trigger === 'blob' || trigger === 'doc') return trigger
  return trigger === 'schedule' ? 'scheduled' : undefined
}

const HANDLERS = ['fetch', 'queue', 'scheduled', 'blob', 'doc']

/** For code that is looked at before it is deployed: gives the names of what it can be called by. */
function handlersOf(exported: unknown): EntryPoint {
  let names = typeof exported === 'function' ? '"default"' : ''
  for (let index = 0; index < HANDLERS.length; index += 1) {
    const name = HANDLERS[index] ?? ''
    if (typeof memberOf(exported, name) === 'function') names += `${names === '' ? '' : ','}"${name}"`
  }
  return { call: () => parse(`[${names}]`), fault: undefined }
}

function missing(fault: string): EntryPoint {
  return { call: undefined, fault }
}

/** A member of anything. Runs a getter of the guest's. */
function memberOf(value: unknown, name: string): unknown {
  if (value === undefined || value === null) return undefined
  return (value as Record<string, unknown>)[name]
}
