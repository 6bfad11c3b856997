import { hash, randomBytes } from 'node:crypto'

/**
 * Ids are proof: each has one parser, at the edge. Holding the type means that the text was checked, and nothing
 * inside checks again.
 */
declare const id: unique symbol
type Id<Name extends string> = string & { readonly [id]: Name }

/** Who pays. Only {@link parseTenantId} makes one. */
export type TenantId = Id<'tenant'>
/** One execution of guest code. Only {@link createRunIds} and {@link parseRunId} make one. */
export type RunId = Id<'run'>
/** A deployed function of a tenant. Only {@link parseFunctionName} makes one. */
export type FunctionName = Id<'function'>
/** A movable name for one or two versions of a function. Only {@link parseAliasName} makes one. */
export type AliasName = Id<'alias'>
/** The public half of an API key; it names the key and opens nothing. */
export type KeyId = Id<'key'>
/** SHA-256 of submitted code with all that changes its meaning, in lower-case hexadecimal. */
export type ArtifactId = Id<'artifact'>

const TENANT = /^[a-z][a-z0-9-]{0,62}$/
const RUN = /^run_[0-9a-v]{26}$/
const KEY = /^[0-9a-f]{16}$/
const FUNCTION = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/
const ALIAS = /^[a-z][a-z0-9-]{0,62}$/

/** What a tenant's name must look like, for error messages and the API's schema. */
export const TENANT_ID_PATTERN = TENANT.source
/** The same for a function's name, and for an alias. */
export const FUNCTION_NAME_PATTERN = FUNCTION.source
export const ALIAS_NAME_PATTERN = ALIAS.source

/** The only source of a TenantId: 1 to 63 of `a-z 0-9 -`, a letter first. */
export function parseTenantId(text: string): TenantId | undefined {
  return TENANT.test(text) ? (text as TenantId) : undefined
}

/** The only source of a FunctionName: 1 to 63 of `A-Z a-z 0-9 _ -`, a letter first. Names differ by case. */
export function parseFunctionName(text: string): FunctionName | undefined {
  return FUNCTION.test(text) ? (text as FunctionName) : undefined
}

/** The only source of an AliasName: 1 to 63 of `a-z 0-9 -`, a letter first. */
export function parseAliasName(text: string): AliasName | undefined {
  return ALIAS.test(text) ? (text as AliasName) : undefined
}

/** Reads a run id that came from outside. */
export function parseRunId(text: string): RunId | undefined {
  return RUN.test(text) ? (text as RunId) : undefined
}

/** Reads a key id that came from outside. */
export function parseKeyId(text: string): KeyId | undefined {
  return KEY.test(text) ? (text as KeyId) : undefined
}

/** Makes a new key id from 64 random bits. */
export function createKeyId(): KeyId {
  return randomBytes(8).toString('hex') as KeyId
}

/** Names code by its content. `digest` is 64 hexadecimal digits. */
export function artifactId(digest: string): ArtifactId {
  return digest as ArtifactId
}

/**
 * Makes run ids that sort by time of creation, so that the ledger's index grows at its end: `run_`, 10 digits of
 * milliseconds, 8 digits of a counter, 8 digits that differ from one host process to the next (base 32, 0-9a-v).
 *
 * Invariant: no two ids of one process are equal; two processes collide only if they drew the same 40 random bits.
 */
export function createRunIds(now: () => number): () => RunId {
  const process = base32(randomBytes(5).readUIntBE(0, 5), 8)
  let counter = 0
  let stampMs = -1
  let stamp = ''
  return () => {
    const nowMs = now()
    // A clock that is set back must not reorder ids, so time only moves forward here.
    if (nowMs > stampMs) {
      stampMs = nowMs
      stamp = base32(nowMs, 10)
    }
    counter += 1
    return `run_${stamp}${base32(counter, 8)}${process}` as RunId
  }
}

/** Names the record of what a tenant keeps in one hour: always the same, so that it is posted once. */
export function storageRecordId(tenant: TenantId, hourMs: number): RunId {
  const digest = BigInt(`0x${hash('sha256', `storage ${tenant} ${hourMs}`, 'hex').slice(0, 20)}`)
  return `run_${base32(hourMs, 10)}${digest.toString(32).padStart(16, '0')}` as RunId
}

function base32(value: number, digits: number): string {
  return value.toString(32).padStart(digits, '0').slice(-digits)
}
