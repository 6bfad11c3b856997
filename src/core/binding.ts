/** Data binding: what a function's configuration has the host read before a run and write after it. */

/** Where a binding leads: one of the three, and what else it says. Checked when the function is deployed. */
export interface Binding {
  /** `collection/id`. */
  readonly docs?: string | undefined
  /** A key. */
  readonly blob?: string | undefined
  /** A name, without placeholders. */
  readonly queue?: string | undefined
  /** `in` if absent; a queue is always `out`. */
  readonly direction?: 'in' | 'out' | undefined
  /** An input that is not there fails the run; it is null otherwise. */
  readonly required?: boolean | undefined
  /** What a blob's content becomes: `text` if absent. */
  readonly as?: 'text' | 'json' | 'base64' | undefined
}

/** By the names that the guest has for them in `context.bound`. */
export type BindConfig = Readonly<Record<string, Binding>>

export const BINDINGS_MAX = 16
/** The capability that carries a binding out. */
export const BINDING_CAPABILITIES = { docs: 'docs', blob: 'blobs', queue: 'queues' } as const
export type BindingKind = keyof typeof BINDING_CAPABILITIES

/** Text with placeholders: pieces that stand for themselves, and paths of fields. */
export type Template = readonly (string | readonly string[])[]

const TEMPLATE_LENGTH_MAX = 512
const NAMES_MAX = 8
const PATH = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/
const ROOTS: ReadonlySet<string> = new Set(['input', 'params', 'query', 'runId'])

/** The fault of text that is no template, in words that follow its name. */
export interface TemplateFault {
  readonly fault: string
}

/**
 * Reads `orders/{input.id}`. A placeholder is a field of the input, a parameter of the route (`{params.id}`), a value of the
 * query (`{query.id}`), or `{runId}`. There is no way to write a brace that is none.
 */
export function parseTemplate(text: string): Template | TemplateFault {
  if (text === '') return { fault: 'must not be empty' }
  if (text.length > TEMPLATE_LENGTH_MAX) {
    return { fault: `has ${text.length} characters; at most ${TEMPLATE_LENGTH_MAX}` }
  }
  if (!text.isWellFormed()) return { fault: 'holds half of a surrogate pair' }
  const pieces: (string | readonly string[])[] = []
  let place = 0
  while (place < text.length) {
    const open = text.indexOf('{', place)
    const literal = text.slice(place, open === -1 ? undefined : open)
    if (literal.includes('}'))
      return { fault: `has a "}" at character ${place + literal.indexOf('}') + 1} that closes nothing` }
    if (literal !== '') pieces.push(literal)
    if (open === -1) break
    const close = text.indexOf('}', open)
    if (close === -1) return { fault: `has a "{" at character ${open + 1} that is not closed` }
    const path = text.slice(open + 1, close)
    const fault = pathFault(path)
    if (fault !== undefined) return { fault }
    pieces.push(path.split('.'))
    place = close + 1
  }
  return pieces
}

function pathFault(path: string): string | undefined {
  const example = 'write a field of the input, as {input.id}, or {params.id}, {query.id}, {runId}'
  if (!PATH.test(path)) return `has the placeholder {${path}}, which is no path: ${example}`
  const names = path.split('.')
  const [root = ''] = names
  if (!ROOTS.has(root)) return `has the placeholder {${path}}, which is not known: ${example}`
  if (names.length > NAMES_MAX) return `has the placeholder {${path}} of ${names.length} names; at most ${NAMES_MAX}`
  if ((root === 'runId') !== (names.length === 1)) return `has the placeholder {${path}}: ${example}`
  return undefined
}

/** Puts values in the place of placeholders: text that is not empty, numbers, true and false. */
export function fillTemplate(template: Template, roots: Readonly<Record<string, unknown>>): string | TemplateFault {
  let text = ''
  for (const piece of template) {
    if (typeof piece === 'string') {
      text += piece
      continue
    }
    const value = valueAt(roots, piece)
    if (typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value !== '')) {
      text += String(value)
      continue
    }
    const found =
      value === undefined ? 'missing' : value === '' ? 'empty' : value === null ? 'null' : 'no text or number'
    return { fault: `needs {${piece.join('.')}}, which is ${found}` }
  }
  return text
}

function valueAt(roots: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let value: unknown = roots
  for (const name of path) {
    // Own fields only: an input names them, and must not get at what objects inherit.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}

export function isFault(given: unknown): given is TemplateFault {
  return typeof given === 'object' && given !== null && 'fault' in given
}

/** Which of the three a binding has. */
export function kindOf({ docs, blob }: Binding): BindingKind {
  return docs !== undefined ? 'docs' : blob !== undefined ? 'blob' : 'queue'
}

export function isOutput(binding: Binding): boolean {
  return binding.direction === 'out' || binding.queue !== undefined
}
