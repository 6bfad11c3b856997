import type { z } from 'zod'
import { CloisterError } from '../core/errors.ts'
import { quoted } from './quoted.ts'

type Issue = z.core.$ZodIssue

/** More faults than this are counted, not listed. */
const FAULTS_MAX = 20

/** INVALID_REQUEST with every fault: the field by its path, what is wrong with it, and the bound. */
export function invalidRequest(faults: readonly string[]): CloisterError {
  const listed = faults.slice(0, FAULTS_MAX)
  if (faults.length > FAULTS_MAX) listed.push(`and ${faults.length - FAULTS_MAX} more`)
  return new CloisterError('INVALID_REQUEST', listed.join('; '))
}

/** What a schema found, as lines for people. */
export function faultsOf(issues: readonly Issue[], where: 'body' | 'query'): readonly string[] {
  return issues.flatMap((issue) => describe(issue, where))
}

function describe(issue: Issue, where: 'body' | 'query'): string[] {
  const field = issue.path.length === 0 ? `the ${where}` : issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const prefix = issue.path.length === 0 ? '' : `${field}.`
    return issue.keys.map((key) => `${quoted(prefix + key)} is not a field of the ${where}`)
  }
  return [`${field}: ${issue.message}`]
}
