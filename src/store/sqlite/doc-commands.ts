import type { DocOutcome, DocQuota, DocRefusal, DocWrite } from '../../core/documents.ts'

/** What documents ask of the writer. */
export interface DocCommands {
  /** All or nothing. */
  'doc.write': {
    input: { tenant: string; now: number; quota: DocQuota; writes: readonly DocWrite[]; depth: number }
    output: DocOutcome
  }
  'doc.declare': { input: DocDeclaration; output: DocRefusal | null }
  /** Enters some documents into indexes that are being built. A refusal takes the index away again. */
  'doc.build': { input: { tenant: string; collection: string }; output: { more: boolean; refused?: DocRefusal } }
  'doc.drop': { input: { tenant: string; collection: string }; output: boolean }
}

export interface DocDeclaration {
  readonly tenant: string
  readonly collection: string
  readonly paths: readonly string[]
  readonly mode: 'add' | 'exactly'
  readonly quota: DocQuota
}
