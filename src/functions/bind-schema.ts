import { z } from 'zod'
import {
  BINDINGS_MAX,
  type BindConfig,
  type Binding,
  isFault,
  isOutput,
  kindOf,
  parseTemplate,
} from '../core/binding.ts'
import { queueNameFault } from '../core/queue-rules.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/
const COLLECTION = /^[A-Za-z_][A-Za-z0-9_-]{0,62}\/./

const binding = z
  .strictObject({
    docs: z.string().optional().describe('`collection/id`; the id may have placeholders: `orders/{input.id}`.'),
    blob: z.string().optional().describe('A key, with placeholders.'),
    queue: z.string().optional().describe('A queue to send to.'),
    direction: z
      .enum(['in', 'out'])
      .optional()
      .describe('`in` (default): read before the run. `out`: written after it.'),
    required: z
      .boolean()
      .optional()
      .describe('Whether an input that is not there fails the run; it is null otherwise.'),
    as: z.enum(['text', 'json', 'base64']).optional().describe('What the content of a blob becomes; `text` if absent.'),
  })
  .superRefine((given, context) => {
    for (const message of faultsOf(given)) context.addIssue({ code: 'custom', message })
  })

/** What a function's configuration may bind. Each fault names the binding. */
export const bindSchema: z.ZodType<BindConfig> = z.record(z.string(), binding).superRefine((given, context) => {
  const names = Object.keys(given)
  for (const name of names) {
    if (NAME.test(name)) continue
    const message = 'its name must be 1 to 63 of A-Z, a-z, 0-9 and _, a letter first'
    context.addIssue({ code: 'custom', path: [name.slice(0, 80)], message })
  }
  if (names.length > BINDINGS_MAX) {
    context.addIssue({ code: 'custom', message: `has ${names.length} bindings; at most ${BINDINGS_MAX}` })
  }
})

function faultsOf(given: Binding): readonly string[] {
  const { docs, blob, queue, required, as } = given
  const targets = [docs, blob, queue].filter((target) => target !== undefined)
  const [target] = targets
  if (target === undefined || targets.length > 1) return ['must have one of docs, blob and queue']
  const faults: string[] = []
  const template = parseTemplate(target)
  if (isFault(template)) faults.push(`${kindOf(given)} ${template.fault}`)
  else if (docs !== undefined && !COLLECTION.test(docs)) {
    faults.push('docs must be the name of a collection, a slash and an id, as "orders/{input.id}"')
  } else if (queue !== undefined && queueNameFault(queue) !== undefined) {
    faults.push(`queue ${queueNameFault(queue)}; it has no placeholders`)
  }
  if (queue !== undefined && given.direction === 'in') faults.push('a queue is sent to: its direction is "out"')
  if (isOutput(given) && required !== undefined) faults.push('required is for inputs')
  if (as !== undefined && (blob === undefined || isOutput(given))) faults.push('as is for inputs from blobs')
  return faults
}
