import type { Logger } from 'pino'
import type { NanoUsd } from './core/quantity.ts'
import type { Usage } from './core/run.ts'
import { CanaryWatch } from './functions/canary-watch.ts'
import type { FunctionDirectory } from './functions/directory.ts'

interface Parts {
  readonly costOf: (usage: Usage) => NanoUsd
  readonly directory: () => FunctionDirectory
  readonly log: Logger
}

/** Takes canaries back that are worse than the version beside them. A part of the composition root, see main.ts. */
export function watchCanaries({ costOf, directory, log }: Parts): CanaryWatch {
  return new CanaryWatch({
    costOf,
    onWorse({ tenant, name, alias, stable, canary, findings }) {
      const worseBy = findings.map(({ metric }) => metric)
      const ended = directory().endCanary(tenant, name, { alias, version: stable, from: canary, findings })
      ended.then(
        (hasEnded) => hasEnded && log.warn({ tenant, from: canary, to: stable, worseBy }, 'canary.rolled-back'),
        (error: unknown) => log.error({ tenant, err: error }, 'canary.rollback-failed'),
      )
    },
  })
}
