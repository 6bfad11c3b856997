import { type Binding, type Template, fillTemplate, isFault, kindOf, parseTemplate } from '../../core/binding.ts'
import type { CallAnswer, Ticket } from '../../core/run.ts'

/** Calls an operation in the run's own session: granted, counted and charged as the guest's calls are. */
export type Call = (operation: string, args: readonly unknown[]) => Promise<CallAnswer>

/** Why a value could not be read or written, in words for whoever wrote the function. */
export class BindingFault extends Error {}

/** What the placeholders of a run stand for. The input is read only if one asks for it: it may be a megabyte. */
export function rootsOf({ run, request }: Ticket): Readonly<Record<string, unknown>> {
  let input: { readonly value: unknown } | undefined
  return {
    runId: run,
    ...request.parameters,
    get input() {
      // The input of a run that answers an HTTP request describes that request: it is not the caller's.
      if (request.exchange !== undefined) return undefined
      input ??= { value: JSON.parse(Buffer.from(request.input).toString('utf8')) as unknown }
      return input.value
    },
  }
}

const templates = new WeakMap<Binding, Template>()

/** The document's address, the key or the queue that a binding means in a run. */
export function targetOf(binding: Binding, roots: Readonly<Record<string, unknown>>): string {
  const template = templates.getOrInsertComputed(binding, () => {
    const parsed = parseTemplate(binding[kindOf(binding)] ?? '')
    if (isFault(parsed)) throw new BindingFault(parsed.fault)
    return parsed
  })
  const filled = fillTemplate(template, roots)
  if (isFault(filled)) throw new BindingFault(filled.fault)
  return filled
}

/** Collection and id: the name of a collection has no slash, an id may. */
export function addressOf(target: string): readonly [collection: string, id: string] {
  const slash = target.indexOf('/')
  return [target.slice(0, slash), target.slice(slash + 1)]
}

/** The text of the answer. Throws BindingFault with the code of a refusal. */
export async function answerOf(answering: Promise<CallAnswer>): Promise<string> {
  const { ok, text } = await answering
  if (ok) return text
  const { code, message } = JSON.parse(text) as { readonly code: string; readonly message: string }
  throw new BindingFault(`${code}: ${message}`)
}
