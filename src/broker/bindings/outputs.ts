import { type BindConfig, type Binding, isOutput } from '../../core/binding.ts'
import { CHUNK_BYTES_MAX } from '../blob-arguments.ts'
import { invalid } from '../arguments.ts'
import { BindingFault, type Call, addressOf, answerOf } from './values.ts'

/** A value that the guest has given to an output: JSON, text or bytes. */
export interface Staged {
  readonly name: string
  readonly binding: Binding
  readonly kind: 'json' | 'text' | 'base64'
  readonly value: unknown
}

const KINDS = ['json', 'text', 'base64'] as const
const CONTENT_TYPES = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  base64: 'application/octet-stream',
} as const

/** Reads what a cell says of its outputs: trust nothing in it. */
export function stagedOf(given: unknown, bind: BindConfig): readonly Staged[] {
  if (!Array.isArray(given) || given.length > Object.keys(bind).length) throw invalid('outputs must be a list')
  return given.map((each: unknown): Staged => {
    const { name, kind, value } = (each ?? {}) as Readonly<Record<string, unknown>>
    const binding = typeof name === 'string' && Object.hasOwn(bind, name) ? bind[name] : undefined
    const known = KINDS.find((one) => one === kind)
    if (binding === undefined || !isOutput(binding) || known === undefined) throw invalid('there is no such output')
    if (known !== 'json' && typeof value !== 'string') throw invalid('an output of text must be text')
    return { name: String(name), binding, kind: known, value }
  })
}

interface Placed extends Staged {
  readonly target: string
}

/**
 * Writes all outputs: documents in one transaction, then blobs, then messages, so that whoever gets a message finds what was
 * written. What can be known to be wrong is found before the first write. Throws BindingFault.
 */
export async function writeOutputs(call: Call, outputs: readonly Placed[]): Promise<void> {
  const documents = outputs.filter(({ binding }) => binding.docs !== undefined).map(documentOf)
  const blobs = outputs.filter(({ binding }) => binding.blob !== undefined).map(blobOf)
  if (documents.length > 0) await answerOf(call('docs.transact', [documents]))
  for (const args of blobs) await answerOf(call('blobs.put', args))
  for (const { binding, target, value } of outputs) {
    if (binding.queue !== undefined) await answerOf(call('queues.send', [target, value]))
  }
}

function documentOf({ name, target, kind, value }: Placed): object {
  if (kind !== 'json' || typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BindingFault(`the output "${name}" must be an object: it becomes a document`)
  }
  const [collection, id] = addressOf(target)
  return { op: 'put', collection, id, data: value }
}

function blobOf({ name, target, kind, value }: Placed): readonly unknown[] {
  const text = kind === 'json' ? JSON.stringify(value) : String(value)
  const content = Buffer.from(text, kind === 'base64' ? 'base64' : 'utf8')
  if (content.length > CHUNK_BYTES_MAX) {
    throw new BindingFault(
      `the output "${name}" has ${content.length} bytes; a blob that is bound has ${CHUNK_BYTES_MAX} at most`,
    )
  }
  return [target, content.toString('base64'), { contentType: CONTENT_TYPES[kind] }]
}
