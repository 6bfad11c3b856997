import { z } from 'zod'
import { overlaySchema } from './schema.ts'

/**
 * The JSON Schema of policy files, for editors; `policies/policy.schema.json` holds it. It is of draft 7, which editors
 * know best. What fields may not be beside each other is beyond it: only `policy check` says that.
 */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(overlaySchema, { io: 'input', target: 'draft-07' })
  return { ...schema, title: 'A policy of Cloister: what a tenant may use' }
}

/** The schema as the text of its file. Short lists stand on one line. */
export function policyJsonSchemaText(): string {
  const text = JSON.stringify(policyJsonSchema(), null, 2)
  return `${text.replaceAll(/\[\n\s+("[^\]{}]*"|[\d,\s]*\d)\n\s+\]/g, (_, items: string) => `[${items.replaceAll(/\n\s+/g, ' ')}]`)}\n`
}
