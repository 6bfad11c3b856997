import { createCloister } from '../../../src/index.ts'
import { LIMITS } from '../program.ts'
import { serveHost } from './host.ts'

/** Cloister as a library, with its shipped policy of the name in the first argument and the limits of this comparison. */
const [policy = 'default'] = process.argv.slice(2)

serveHost(async (programs) => {
  const cloister = await createCloister({ config: { blankCells: 1 } })
  for (const { customer, wallMs } of programs) {
    await cloister.putTenant(customer, {
      policy: { extends: policy, limits: { wallMs, memoryMb: LIMITS.memoryMb } },
    })
  }
  return async ({ customer, code, input }) => {
    const { status, result, error } = await cloister.execute({ tenant: customer, code, input })
    if (status === 'ok') return { kind: 'value', text: JSON.stringify(result) ?? 'undefined' }
    return { kind: status === 'error' ? 'error' : 'limit', text: `${status}: ${error?.message}` }
  }
})
