import type { Context } from 'cloister/types'

/** What the policy grants, or an error that says what is missing. */
export function granted<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`the policy does not grant ${name}`)
  return value
}

const STATUS: Readonly<Record<string, number>> = { INVALID_ARGUMENT: 400, CONFLICT: 409, RATE_LIMITED: 429 }

/** Turns refusals of capabilities into answers. Any other error ends the run as one. */
export function answering(answer: (request: Request, context: Context) => Promise<Response>) {
  return {
    async fetch(request: Request, context: Context): Promise<Response> {
      try {
        return await answer(request, context)
      } catch (error) {
        const { code = '', message } = error as Error & { code?: string }
        const status = STATUS[code]
        if (status === undefined) throw error
        return Response.json({ error: message }, { status })
      }
    },
  }
}
