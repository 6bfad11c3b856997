import { CloisterError } from '../core/errors.ts'
import type { Policy } from '../core/policy.ts'
import type { RunRequest } from '../core/run.ts'

/** Throws TOO_LARGE unless code and input are within the policy's bounds. */
export function checkSizes({ artifact, input }: RunRequest, { limits }: Policy): void {
  if (artifact.size > limits.code) throw tooLarge('the code', artifact.size, limits.code)
  if (input.byteLength > limits.input) throw tooLarge('`input`', input.byteLength, limits.input)
}

function tooLarge(what: string, size: number, bound: number): CloisterError {
  return new CloisterError('TOO_LARGE', `${what} is ${size} bytes long; the policy allows ${bound}`)
}
