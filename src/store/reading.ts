import { CloisterError } from '../core/errors.ts'

/** Runs a query; whatever storage throws becomes an INTERNAL CloisterError with its cause. */
export async function reading<Value>(query: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await query()
  } catch (thrown) {
    throw readFault(thrown)
  }
}

/** What a failed read is told as. */
export function readFault(thrown: unknown): CloisterError {
  if (thrown instanceof CloisterError) return thrown
  return new CloisterError('INTERNAL', 'the store could not be read', { cause: thrown })
}
