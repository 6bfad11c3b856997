import type {
  Admission,
  Billing,
  Broker,
  Hold,
  Lease,
  Outcome,
  Pool,
  Report,
  RunRequest,
  Scheduler,
  Session,
  Ticket,
} from './core/run.ts'
import type { Clock } from './core/clock.ts'
import { CloisterError } from './core/errors.ts'
import { emit } from './core/events.ts'
import { bytes, micros } from './core/quantity.ts'

interface Stages {
  readonly admission: Admission
  readonly billing: Billing
  readonly scheduler: Scheduler
  readonly pool: Pool
  readonly broker: Broker
  readonly clock: Clock
}

/** Tries after the first. A tenant whose runs bring down cell after cell gets to keep the result. */
const AGAIN_MAX = 2

/** Runs guest code once. Throws CloisterError only for refusals and host faults, and then nothing is charged. */
export type Execute = (request: RunRequest) => Promise<Outcome>

/**
 * The path of one run: admit → reserve → acquire → lease → open → run → post. Every trigger takes it.
 *
 * Each stage is taken with `using`, so every way out undoes what was taken, in reverse: a throw anywhere before the post
 * voids the hold, and the run is free. The answer exists only after its record is committed.
 */
export function createExecute({ admission, billing, scheduler, pool, broker, clock }: Stages): Execute {
  return async (request) => {
    const arrived = clock.elapsed()
    using ticket = admission.admit(request)
    using hold = await billing.reserve(ticket)
    const ran = await runOnce(ticket, hold)
    request.exchange?.conclude(ran.report)
    const usage = await billing.post(hold, ran.report, ran.session)
    ticket.charged?.(usage.units)
    emit('run.finished', {
      run: ticket.run,
      tenant: request.tenant,
      ...(request.function && { function: request.function }),
      status: ran.report.status,
      usage,
      queuedMs: ran.startedMs - arrived,
    })
    const { status, result, error, logs } = ran.report
    return {
      run: ticket.run,
      ...(request.function && { function: request.function }),
      status,
      ...(result && { result }),
      ...(error && { error }),
      logs,
      usage,
      billed: true,
    }
  }

  /** Takes a turn and a cell for one try. The turn ends here: waiting for the commit must not hold up the next run. */
  async function runOnce(ticket: Ticket, hold: Hold): Promise<{ report: Report; session: Session; startedMs: number }> {
    using turn = await (ticket.request.turns ?? scheduler).acquire(ticket)
    const startedMs = clock.elapsed()
    let tried = await attempt(turn.ticket, hold)
    // An innocent run whose cell another run brought down is run again; nobody sees or pays the tries before the last.
    for (let again = 1; again <= AGAIN_MAX && isWorthAnotherTry(tried); again += 1) tried = await attempt(ticket, hold)
    return { ...tried, startedMs }
  }

  async function attempt(ticket: Ticket, hold: Hold): Promise<{ report: Report; session: Session }> {
    using lease: Lease = await pool.lease(ticket)
    if (ticket.request.signal?.aborted === true) {
      throw new CloisterError('CANCELLED', 'the caller went away before the run had started; nothing was billed')
    }
    using session = broker.open(ticket, hold)
    return { report: await runBound(lease, session), session }
  }
}

/**
 * Reads what the function's inputs are bound to, runs it, and writes its outputs if it has ended well. The guest has not begun
 * when an input is missing, and its result is none when an output cannot be written.
 */
async function runBound(lease: Lease, session: Session): Promise<Report> {
  const { bindings } = session
  if (bindings === undefined) return lease.run(session)
  const missing = await bindings.read()
  if (missing !== undefined) return { ...NOT_BEGUN, walls: lease.walls, error: missing }
  const { result, ...report } = await lease.run(session)
  const unwritten = report.status === 'ok' ? await bindings.write() : undefined
  if (unwritten !== undefined) return { ...report, status: 'error', error: unwritten }
  return result === undefined ? report : { ...report, result }
}

const NOT_BEGUN = {
  status: 'error',
  logs: [],
  wall: micros(0),
  cpu: micros(0),
  peakMemory: bytes(0),
  coldStart: false,
} as const satisfies Partial<Report>

function isWorthAnotherTry({ report, session }: { report: Report; session: Session }): boolean {
  return report.bystander === true && !session.hadEffects
}
