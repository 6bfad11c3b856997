import type { FunctionConfig } from './function-store.ts'
import type { AliasName, FunctionName } from './ids.ts'
import { type Millis, millis } from './quantity.ts'
import type { Artifact, RunRequest } from './run.ts'

/** Which version is meant: one by its number, or what an alias names; by default the alias `live`. */
export interface FunctionTarget {
  readonly version?: number | undefined
  readonly alias?: AliasName | undefined
  /** One of the versions that the alias leads to, at whatever share. */
  readonly prefer?: number | undefined
  /** Who calls, by any name that stays: the same caller meets the same version while a canary lasts. */
  readonly caller?: string | undefined
}

/** A version that is to run, with its code. */
export interface RunnableVersion {
  readonly name: FunctionName
  readonly version: number
  readonly code: Artifact
  readonly config: FunctionConfig
}

type Call = Omit<RunRequest, 'artifact' | 'function' | 'env' | 'bind' | 'reuse' | 'stage' | 'timeout'> & {
  readonly timeout?: Millis | undefined
}

/** What every trigger of a deployed function asks of `execute`. The shorter of the caller's time and the function's holds. */
export function functionRequest({ name, version, code, config }: RunnableVersion, call: Call): RunRequest {
  const { timeout: asked, ...rest } = call
  const { timeoutMs, env, reuse, bind } = config
  const timeout = Math.min(asked ?? Infinity, timeoutMs ?? Infinity)
  return {
    ...rest,
    artifact: code,
    function: { name, version },
    ...(env && { env }),
    ...(reuse && { reuse }),
    ...(bind && { bind }),
    ...(timeout !== Infinity && { timeout: millis(timeout) }),
  }
}
