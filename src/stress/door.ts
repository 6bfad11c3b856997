/** An answer of the API. */
export interface DoorAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A way to the HTTP API of the platform under test, with the administrator's key. */
export interface Door {
  /** Rejects when no answer came. */
  request(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    options?: { readonly body?: string },
  ): Promise<DoorAnswer>
}

/** Longest wait for one answer. The longest run of an attack takes 20 s; past this the host counts as gone. In ms. */
const ANSWER_MAX_MS = 60_000

/** A door that never waits for ever: a request without an answer is rejected in the end. */
export function withPatience(door: Door, patienceMs = ANSWER_MAX_MS): Door {
  return {
    async request(method, path, options) {
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs)
      const answer = door.request(method, path, options)
      // Its rejection may come after nobody waits for it any more.
      answer.catch(() => {})
      try {
        return await Promise.race([answer, late.promise])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** A value from the text of an answer; undefined if it is not JSON. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The value at a path of field names, or undefined. */
export function pick(value: unknown, ...path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/** The number at a path, or undefined. */
export function pickNumber(value: unknown, ...path: readonly string[]): number | undefined {
  const found = pick(value, ...path)
  return typeof found === 'number' ? found : undefined
}

/** The text at a path, or undefined. */
export function pickText(value: unknown, ...path: readonly string[]): string | undefined {
  const found = pick(value, ...path)
  return typeof found === 'string' ? found : undefined
}

/** Makes a tenant with a policy. Throws unless it is done. */
export async function putTenant(door: Door, tenant: string, policy: object): Promise<void> {
  const { status, body } = await door.request('PUT', `/v1/tenants/${tenant}`, { body: JSON.stringify({ policy }) })
  if (status !== 200 && status !== 201) throw new Error(`tenant ${tenant} was refused: ${status} ${body.slice(0, 500)}`)
}
