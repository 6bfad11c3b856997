import type { TenantId } from '../core/ids.ts'
import type { Grants } from '../core/policy.ts'

/** Why an operation was refused: the guest sees `code` and `message`. A closed list; each capability uses some. */
export type CapabilityErrorCode =
  'INVALID_ARGUMENT' | 'QUOTA_EXCEEDED' | 'NOT_GRANTED' | 'UNKNOWN_OPERATION' | 'RUN_OVER' | 'UNAVAILABLE'

/** A refusal that the guest is told of. Anything else that an operation throws reaches the guest as UNAVAILABLE only. */
export class CapabilityError extends Error {
  override readonly name = 'CapabilityError'
  readonly code: CapabilityErrorCode

  constructor(code: CapabilityErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** One operation of a capability, for one tenant under one grant. */
export interface Operation<Grant> {
  /** Whether it may change something that lasts. A run that has called such an operation is never run a second time. */
  readonly effect: 'none' | 'lasting'
  /** `args` is whatever the guest sent: check all of it. Resolves with JSON text, `''` for undefined. */
  run(tenant: TenantId, grant: Grant, args: readonly unknown[]): Promise<string>
}

/** The host half of one capability. Its operations are called `name.operation`. */
export interface Capability<Name extends keyof Grants = keyof Grants> {
  readonly name: Name
  readonly operations: ReadonlyMap<string, Operation<NonNullable<Grants[Name]>>>
  /** The longest JSON of arguments that can be of use under a grant, in characters. Longer ones are not even parsed. */
  argumentsMax(grant: NonNullable<Grants[Name]>): number
}
