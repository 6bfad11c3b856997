import { type DestinationStream, type Level, type Logger, pino } from 'pino'
import type { Clock } from '../core/clock.ts'

interface Parts {
  readonly clock: Clock
  readonly level: Level | 'silent'
  /** Where lines go: standard error if absent, so that standard output stays with what a command has to say. */
  readonly destination?: DestinationStream
}

const STANDARD_ERROR = 2
const SECRETS = ['authorization', 'Authorization', 'key', 'adminKey', 'secret', 'password', 'token']
// Nothing of ours logs a secret. Should it happen all the same, it is gone before it is a line.
const PATHS = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])

/**
 * The host's own log: lines of JSON, whose message is an event such as `cell.retired` and whose fields carry their unit
 * in their name. Nothing that a tenant wrote belongs in it, at any level.
 */
export function createLogger({ clock, level, destination }: Parts): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: 'event',
      errorKey: 'err',
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: PATHS, censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: STANDARD_ERROR, sync: true }),
  )
}
