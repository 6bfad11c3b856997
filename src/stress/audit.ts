import { type Door, parseAnswer, pick, pickText } from './door.ts'
import type { AnsweredRun } from './strike.ts'

/** What the ledger says of the tenants that attacked. */
export interface Audit {
  readonly tenants: number
  /** Records found. */
  readonly records: number
  /** Chains that verify. */
  readonly verified: number
  readonly faults: readonly string[]
}

const PAGE = 1_000
/** Questions to the host at once. */
const AT_ONCE = 4

/** Checks that each run which was answered is in the ledger exactly once, as it was answered, and that every chain verifies. */
export async function auditLedger(
  door: Door,
  tenants: readonly string[],
  answered: readonly AnsweredRun[],
): Promise<Audit> {
  const faults: string[] = []
  let records = 0
  let verified = 0
  const byTenant = Map.groupBy(answered, ({ tenant }) => tenant)
  const queue = [...tenants]
  const work = async (): Promise<void> => {
    for (let tenant = queue.pop(); tenant !== undefined; tenant = queue.pop()) {
      const found = await runsOf(door, tenant)
      records += found.length
      faults.push(...compare(tenant, byTenant.get(tenant) ?? [], found))
      if (await verifies(door, tenant)) verified += 1
      else faults.push(`the chain of ${tenant} does not verify`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { tenants: tenants.length, records, verified, faults }
}

interface Recorded {
  readonly runId: string
  readonly status: string
}

async function runsOf(door: Door, tenant: string): Promise<readonly Recorded[]> {
  const runs: Recorded[] = []
  let before: string | undefined
  do {
    const query = before === undefined ? '' : `&before=${before}`
    const { body } = await door.request('GET', `/v1/tenants/${tenant}/runs?limit=${PAGE}${query}`)
    const page = parseAnswer(body)
    const found = pick(page, 'runs')
    if (!Array.isArray(found)) throw new Error(`the runs of ${tenant} cannot be read: ${body.slice(0, 200)}`)
    for (const run of found) runs.push({ runId: pickText(run, 'runId') ?? '', status: pickText(run, 'status') ?? '' })
    before = pickText(page, 'next')
  } while (before !== undefined)
  return runs
}

/** What is wrong with a tenant's records. Pure. */
export function compare(
  tenant: string,
  answered: readonly Omit<AnsweredRun, 'tenant'>[],
  recorded: readonly Recorded[],
): readonly string[] {
  const faults: string[] = []
  const records = Map.groupBy(recorded, ({ runId }) => runId)
  for (const { runId, status } of answered) {
    const found = records.get(runId) ?? []
    if (found.length !== 1) faults.push(`run ${runId} of ${tenant} is in the ledger ${found.length} times`)
    else if (found[0]?.status !== status)
      faults.push(`run ${runId} of ${tenant} was ${status}, its record says ${found[0]?.status}`)
  }
  if (records.size > new Set(answered.map(({ runId }) => runId)).size) {
    faults.push(`the ledger of ${tenant} has runs that nobody was answered`)
  }
  return faults
}

async function verifies(door: Door, tenant: string): Promise<boolean> {
  const { status, body } = await door.request('POST', `/v1/tenants/${tenant}/bill/verify`)
  return status === 200 && pick(parseAnswer(body), 'ok') === true
}
