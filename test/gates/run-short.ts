import { type Gate, isMet } from './gate.ts'

/** Runs the short form of a gate, with the seed of `GATES_SEED` or always the same one. */
export async function runShort(
  gate: Gate,
): Promise<{ readonly violations: readonly string[]; readonly isMet: boolean }> {
  const seed = Number(process.env['GATES_SEED'] ?? 1)
  const result = await gate.run({ form: 'short', seed, note: () => {} })
  return { violations: result.violations, isMet: isMet(result) }
}
