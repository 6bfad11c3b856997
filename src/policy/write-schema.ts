/** Writes policies/policy.schema.json after schema.ts has changed: `node src/policy/write-schema.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { policyJsonSchemaText } from './json-schema.ts'
import { shippedPolicies } from './load.ts'

writeFileSync(join(shippedPolicies(), 'policy.schema.json'), policyJsonSchemaText())
