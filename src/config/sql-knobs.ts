import { type Millis, millis } from '../core/quantity.ts'
import { whole } from './knob.ts'

/** Knobs of the connections to tenants' databases. */
export const SQL_KNOBS = {
  sqlConnectionsMax: whole({
    fallback: 200,
    min: 1,
    max: 10_000,
    reason: 'Connections to all databases of all tenants. Each takes a descriptor here and a process at its server.',
  }),
  sqlIdleMs: whole<Millis>({
    fallback: millis(30_000),
    unit: 'ms',
    min: 10,
    max: 3_600_000,
    reason: 'A connection to a database is kept so long without use. Opening one takes some ms, keeping one a process.',
  }),
}
