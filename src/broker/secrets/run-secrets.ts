import { CapabilityError, type RunScope } from '../capability.ts'
import { isBoundTo } from './bound-host.ts'
import { newNonce, placeholderOf } from './placeholder.ts'
import type { Redaction } from './redact.ts'
import type { OpenSecret, Secrets } from './secrets.ts'

const KEY = {}

/** The secrets of one run: what it has asked for, by placeholders that mean nothing to any other run. */
export class RunSecrets implements Disposable {
  readonly #secrets: Secrets
  readonly #scope: RunScope
  readonly #nonce = newNonce()
  readonly #asked = new Map<string, OpenSecret>()

  constructor(secrets: Secrets, scope: RunScope) {
    this.#secrets = secrets
    this.#scope = scope
  }

  /** Those of a run; undefined if its policy does not grant any. */
  static of(secrets: Secrets, scope: RunScope): RunSecrets | undefined {
    if (scope.ticket.policy.capabilities.secrets === undefined) return undefined
    return scope.keep(KEY, () => new RunSecrets(secrets, scope))
  }

  /** What stands for a secret to the end of the run. Throws NOT_FOUND. */
  async ask(name: string): Promise<string> {
    const secret = await this.#secrets.open(this.#scope.tenant, name)
    if (secret === undefined) throw new CapabilityError('NOT_FOUND', `there is no secret ${name}`)
    this.#asked.set(name, secret)
    return placeholderOf(name, this.#nonce)
  }

  /** The value behind a placeholder in a request to `url`. Throws EGRESS_REFUSED if it may not go there. */
  valueFor(name: string, nonce: string, url: URL): string {
    const secret = nonce === this.#nonce ? this.#asked.get(name) : undefined
    if (secret === undefined) {
      throw new CapabilityError(
        'EGRESS_REFUSED',
        `the request has a placeholder of the secret ${name} that is not of this run: each run asks for its own by secrets.ref`,
      )
    }
    if (isBoundTo(secret.hosts, url)) return secret.value
    throw new CapabilityError(
      'EGRESS_REFUSED',
      `the secret ${name} is not bound to ${url.origin.slice(0, 300)}: bind it to that host, or leave it out`,
    )
  }

  /**
   * What is to be taken out of a response that requests to these URLs have led to: the secrets that may be sent there. Not
   * all secrets: a server of the guest's own could tell from what is kept back of a response how one begins. Throws as
   * Matchers.lend does. To be disposed of with the response.
   */
  async redactionFor(urls: readonly URL[]): Promise<(Redaction & Disposable) | undefined> {
    const present = await this.#secrets.openBoundTo(this.#scope.tenant, urls)
    // Asked for before it was changed or deleted.
    const earlier = [...this.#asked.values()].filter(({ hosts }) => urls.some((url) => isBoundTo(hosts, url)))
    const all = [...new Map([...present, ...earlier].map((secret) => [secret.version, secret])).values()]
    if (all.length === 0) return undefined
    const loan = this.#secrets.matchers.lend(this.#scope.tenant, all)
    return {
      matcher: loan.matcher,
      replacementOf: (name) => placeholderOf(name, this.#nonce),
      [Symbol.dispose]: () => loan[Symbol.dispose](),
    }
  }

  [Symbol.dispose](): void {
    this.#asked.clear()
  }
}
