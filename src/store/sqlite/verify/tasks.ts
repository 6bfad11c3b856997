import type { DatabaseSync } from 'node:sqlite'
import type { TenantId } from '../../../core/ids.ts'
import type { LedgerVerdict } from '../../../core/stores.ts'
import { type Stretch, isChainWhole } from './check-chain.ts'
import { areRollupsRight } from './check-rollups.ts'

/** A piece of a verification, small enough to be one of several at a time. */
export type Task =
  { readonly kind: 'chain'; readonly stretch: Stretch } | { readonly kind: 'rollups'; readonly tenant: TenantId }

/** What a thread is started with. `judge`: name what is wrong with a tenant's ledger, record by record. */
export type Work = { readonly path: string } & ({ readonly tasks: readonly Task[] } | { readonly judge: TenantId })

/** What a thread answers: whether all of its tasks found everything right, or its judgement. */
export type Findings = 'right' | 'wrong' | LedgerVerdict

/** Does a thread's tasks, one after the other, until one of them finds something wrong. */
export function carryOut(database: DatabaseSync, tasks: readonly Task[]): 'right' | 'wrong' {
  return tasks.every((task) => isRight(database, task)) ? 'right' : 'wrong'
}

function isRight(database: DatabaseSync, task: Task): boolean {
  switch (task.kind) {
    case 'chain':
      return isChainWhole(database, task.stretch)
    case 'rollups':
      return areRollupsRight(database, task.tenant)
  }
}
