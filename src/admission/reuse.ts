import type { Policy, Reuse } from '../core/policy.ts'
import type { RunRequest } from '../core/run.ts'

const ISOLATION: readonly Reuse[] = ['function', 'context', 'run']

/** What the policy states can only be made stricter; where it states nothing, it is the request's to say. */
export function reuseOf({ reuse: asked, function: deployed }: RunRequest, { instance }: Policy): Reuse {
  const stated = instance.reuse
  if (stated === undefined) return asked ?? (deployed === undefined ? 'context' : 'function')
  return asked !== undefined && ISOLATION.indexOf(asked) > ISOLATION.indexOf(stated) ? asked : stated
}
