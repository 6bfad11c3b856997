import { listen } from '../core/events.ts'

interface Log {
  warn(fields: object, event: string): void
}

/** Writes what an operator may have to act on into the host's log, until it is disposed. */
export function logEvents(log: Log): Disposable {
  const stops = [
    listen('budget.warning', (warning) => log.warn(warning, 'budget.warning')),
    listen('spend.anomaly', (anomaly) => log.warn(anomaly, 'spend.anomaly')),
  ]
  return {
    [Symbol.dispose]() {
      for (const stop of stops) stop()
    },
  }
}
