import { CloisterError } from '../core/errors.ts'
import type { Connection, Method, RequestOptions } from './connection.ts'
import { readRefusal } from './refusal.ts'

/** Sends one request and returns the answer's text. Throws the CloisterError that the API answered. */
export async function ask(
  connection: Connection,
  method: Method,
  path: string,
  options: RequestOptions = {},
): Promise<string> {
  const answer = await connection.request(method, path, options)
  if (answer.status >= 400) throw readRefusal(answer)
  return answer.body
}

/** The same for something that may not exist: undefined instead of NOT_FOUND. */
export async function askIfThere(connection: Connection, path: string): Promise<string | undefined> {
  try {
    return await ask(connection, 'GET', path)
  } catch (error) {
    if (error instanceof CloisterError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** Puts names into a path so that no name can change its shape: path`/v1/tenants/${tenant}`. */
export function path(parts: TemplateStringsArray, ...names: readonly string[]): string {
  return String.raw({ raw: parts }, ...names.map(encodeURIComponent))
}

/** A path with the parameters that are there. */
export function withQuery(base: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return query.size === 0 ? base : `${base}?${query.toString()}`
}
