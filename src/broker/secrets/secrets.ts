import type { Clock } from '../../core/clock.ts'
import { CloisterError } from '../../core/errors.ts'
import type { TenantId } from '../../core/ids.ts'
import type { SecretsGrant } from '../../core/policy.ts'
import { type Bytes, type EpochMillis, bytes } from '../../core/quantity.ts'
import type { SecretRecord, SecretStore } from '../../core/secrets.ts'
import type { Vault } from '../../core/vault.ts'
import { type BoundHost, boundHostText, isBoundTo, readBoundHost } from './bound-host.ts'
import { Matchers } from './matchers.ts'

interface Parts {
  readonly store: SecretStore
  readonly vault: Vault
  readonly clock: Clock
  /** Memory for finding secrets in responses, of all tenants together; MATCHER_BYTES_MAX if absent. */
  readonly matcherBytesMax?: Bytes
}

/** What may be known of a secret: everything but its value. */
export interface SecretView {
  readonly name: string
  readonly hosts: readonly string[]
  readonly createdAt: EpochMillis
  readonly updatedAt: EpochMillis
}

/** A secret in the clear: never log it, never answer with it. */
export interface OpenSecret {
  readonly name: string
  readonly value: string
  readonly hosts: readonly BoundHost[]
  /** Another one after every write. */
  readonly version: string
}

/** Shorter ones are found in texts that have nothing to do with them, and guessed. */
const VALUE_BYTES_MIN = 8
const HOSTS_MAX = 20
/** Room for 20 of the largest matchers there can be (13 MB); one of fifty API keys takes 2 MB. */
const MATCHER_BYTES_MAX = bytes(256 << 20)
/** One tenant has this part of it at most. */
const TENANT_SHARE = 4

/**
 * The secrets of all tenants: written from outside, opened for runs.
 *
 * Invariant: a value leaves this folder towards hosts that it is bound to, and towards code only if the policy has `reveal`.
 */
export class Secrets {
  readonly #parts: Parts
  readonly matchers: Matchers

  constructor(parts: Parts) {
    this.#parts = parts
    const bytesMax = parts.matcherBytesMax ?? MATCHER_BYTES_MAX
    this.matchers = new Matchers({
      clock: parts.clock,
      bytesMax,
      tenantBytesMax: bytes(Math.floor(bytesMax / TENANT_SHARE)),
    })
  }

  /** Stores a secret, or another value of it. Throws INVALID_REQUEST with every fault, QUOTA_EXCEEDED, NOT_FOUND without the tenant. */
  async put(
    tenant: TenantId,
    name: string,
    { value, hosts: given }: { readonly value: string; readonly hosts: readonly string[] },
    grant: SecretsGrant,
  ): Promise<{ readonly secret: SecretView; readonly created: boolean }> {
    const { store, vault, clock } = this.#parts
    const hosts = readSecret(value, given, grant)
    const present = await store.find(tenant, name)
    const now = clock.now()
    const record: SecretRecord = {
      tenant,
      name,
      sealed: vault.seal(value, placeOf({ tenant, name, hosts })),
      size: Buffer.byteLength(value),
      hosts,
      createdAt: present?.createdAt ?? now,
      updatedAt: now,
    }
    const outcome = await store.put(record, grant)
    if (outcome === 'done') return { secret: viewOf(record), created: present === undefined }
    const bound = outcome === 'secrets' ? `${grant.secrets} secrets` : `${grant.storedBytes} bytes of secrets`
    throw new CloisterError('QUOTA_EXCEEDED', `a tenant may keep ${bound} (capabilities.secrets.${outcome})`)
  }

  /** Throws NOT_FOUND. */
  async get(tenant: TenantId, name: string): Promise<SecretView> {
    const record = await this.#parts.store.find(tenant, name)
    if (record === undefined) throw noSuchSecret(name)
    return viewOf(record)
  }

  /** By name. */
  async list(tenant: TenantId): Promise<readonly SecretView[]> {
    return (await this.#parts.store.list(tenant)).map(viewOf)
  }

  /** Throws NOT_FOUND. A run that has asked for it already may use it to its end. */
  async delete(tenant: TenantId, name: string): Promise<void> {
    if (!(await this.#parts.store.delete(tenant, name))) throw noSuchSecret(name)
  }

  async open(tenant: TenantId, name: string): Promise<OpenSecret | undefined> {
    const record = await this.#parts.store.find(tenant, name)
    return record && this.#open(record)
  }

  /** Those that may be sent to one of these URLs. */
  async openBoundTo(tenant: TenantId, urls: readonly URL[]): Promise<readonly OpenSecret[]> {
    const records = await this.#parts.store.list(tenant)
    return records
      .filter(({ hosts }) => urls.some((url) => isBoundTo(hosts.map(storedHost), url)))
      .map((record) => this.#open(record))
  }

  #open(record: SecretRecord): OpenSecret {
    const { name, sealed, hosts } = record
    const value = this.#parts.vault.open(sealed, placeOf(record))
    return { name, value, hosts: hosts.map(storedHost), version: sealed }
  }
}

/** The hosts are part of the place: whoever can write to the database cannot bind a secret to a host of their own. */
function placeOf({ tenant, name, hosts }: Pick<SecretRecord, 'tenant' | 'name' | 'hosts'>): string {
  return `secret/${tenant}/${name}/${hosts.join(' ')}`
}

/** Checks a secret and gives its hosts in their one spelling, each once. No fault repeats any of the value. */
function readSecret(value: string, hosts: readonly string[], { valueBytes }: SecretsGrant): readonly string[] {
  const faults: string[] = []
  const size = Buffer.byteLength(value)
  if (!value.isWellFormed()) faults.push('`value` holds half of a surrogate pair')
  if (size < VALUE_BYTES_MIN) faults.push(`\`value\` has ${size} bytes; a secret has at least ${VALUE_BYTES_MIN}`)
  if (size > valueBytes) {
    faults.push(`\`value\` has ${size} bytes; at most ${valueBytes} are allowed (capabilities.secrets.valueBytes)`)
  }
  if (hosts.length === 0 || hosts.length > HOSTS_MAX) {
    faults.push(`\`hosts\` has ${hosts.length} entries; 1 to ${HOSTS_MAX} are allowed`)
  }
  const texts: string[] = []
  for (const [index, host] of hosts.slice(0, HOSTS_MAX).entries()) {
    const read = readBoundHost(host)
    if (typeof read === 'string') faults.push(`\`hosts[${index}]\` ${read}`)
    else texts.push(boundHostText(read))
  }
  if (faults.length > 0) throw new CloisterError('INVALID_REQUEST', faults.join('; '))
  return [...new Set(texts)]
}

function storedHost(text: string): BoundHost {
  const read = readBoundHost(text)
  if (typeof read !== 'string') return read
  throw new CloisterError('INTERNAL', 'a host of a secret that was stored is not valid any more')
}

function viewOf({ name, hosts, createdAt, updatedAt }: SecretRecord): SecretView {
  return { name, hosts, createdAt, updatedAt }
}

function noSuchSecret(name: string): CloisterError {
  return new CloisterError('NOT_FOUND', `there is no secret "${name}"`)
}
