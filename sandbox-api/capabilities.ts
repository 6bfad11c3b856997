import { createAuth } from './auth.ts'
import { createBlobs } from './blobs.ts'
import type { Call } from './calls.ts'
import { createDocs } from './docs.ts'
import { createInvoke } from './invoke.ts'
import { createKv } from './kv.ts'
import { defineProperty, includes } from './primordials.ts'
import { createQueues } from './queues.ts'
import { createSecrets } from './secrets.ts'
import type { Web } from './web/host.ts'
import { createSql } from './sql.ts'

type Creator = (call: Call, openWeb: () => Web, isGranted: (name: string) => boolean) => object

/** Guest halves by the name that a policy grants. What is missing here cannot be had, whatever is granted. */
const CREATORS: { readonly [name: string]: Creator | undefined } = {
  __proto__: null as never,
  kv: createKv,
  blobs: createBlobs,
  queues: createQueues,
  docs: createDocs,
  invoke: createInvoke,
  sql: createSql,
  secrets: createSecrets,
  auth: createAuth,
}

/** Gives the context what the policy grants. */
export function addCapabilities(context: object, names: readonly string[], call: Call, openWeb: () => Web): void {
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] ?? ''
    const create = CREATORS[name]
    if (create === undefined) continue
    // Defined, not assigned: a setter of the guest's on `Object.prototype` would get it instead.
    defineProperty(context, name, {
      __proto__: null,
      value: create(call, openWeb, (part) => includes(names, part)),
      enumerable: true,
    } as PropertyDescriptor)
  }
}
