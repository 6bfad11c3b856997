import { type Call, failure } from './calls.ts'
import {
  ErrorConstructor,
  NumberFunction,
  PromiseConstructor,
  defineProperty,
  isArray,
  max,
  min,
  table,
  whenSettled,
} from './primordials.ts'
import { describe } from './result.ts'

/** What the host answers to a step; src/core/durable.ts says what each means. */
interface Answer {
  readonly state: 'done' | 'failed' | 'run' | 'wait' | 'parked'
  readonly value?: unknown
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string }
  readonly attempt?: number
  readonly release?: true
}

interface StepOptions {
  readonly retries?: number
  readonly backoffMs?: number
}

const CONCURRENCY = 10

/** What an execution's context has besides: steps, whose results are there again in the runs that follow. */
export function createDurable(call: Call, suspend: () => void): object {
  /** How often each name was used: the journal knows steps by name and number. */
  const uses = table<number>()
  let parked: (() => void)[] = []

  const idOf = (name: string): string => {
    const count = (uses[name] ?? 0) + 1
    uses[name] = count
    return count === 1 ? name : `${name}#${count}`
  }
  const forever = (): Promise<never> => {
    suspend()
    return new PromiseConstructor(() => {})
  }
  const begin = async (id: string, kind: string, args: readonly unknown[]): Promise<Answer> => {
    for (;;) {
      const answer = (await call('durable.begin', [id, kind, args[0], args[1]])) as Answer
      if (answer.release === true) {
        const waiting = parked
        parked = []
        for (let index = 0; index < waiting.length; index += 1) waiting[index]?.()
      }
      if (answer.state !== 'parked') return answer
      suspend()
      await new PromiseConstructor<void>((resolve) => {
        parked[parked.length] = resolve
      })
    }
  }
  /** The value of what is done; what has failed is thrown, and what is to be waited for never comes. */
  const settled = ({ state, value, error }: Answer): unknown => {
    if (state === 'done') return value
    if (state === 'failed') throw errorOf(error)
    return forever()
  }

  return {
    async step(name: unknown, work: unknown, options: StepOptions = {}): Promise<unknown> {
      if (typeof name !== 'string') throw failure('INVALID_ARGUMENT', 'the name of a step must be a string')
      if (typeof work !== 'function') throw failure('INVALID_ARGUMENT', `step "${name}" has no function`)
      const id = idOf(name)
      const answer = await begin(id, 'step', [name, options])
      if (answer.state !== 'run') return await settled(answer)
      let value: unknown
      try {
        value = await (work as (about: object) => unknown)({ attempt: answer.attempt })
      } catch (error) {
        const final = (error as { retryable?: unknown } | null | undefined)?.retryable === false
        return await settled((await call('durable.fail', [id, describe(error), final])) as Answer)
      }
      // What the host gives back, so that this run sees what the runs that follow will.
      return await settled((await call('durable.complete', [id, value])) as Answer)
    },

    async sleep(time: unknown): Promise<void> {
      // A date is its ISO text as JSON.
      await settled(await begin(idOf('sleep'), 'sleep', ['sleep', { until: time }]))
    },

    async waitForEvent(name: unknown, options: { readonly timeout?: unknown } = {}): Promise<unknown> {
      if (typeof name !== 'string') throw failure('INVALID_ARGUMENT', 'the name of an event must be a string')
      return await settled(await begin(idOf(`event:${name}`), 'event', [name, { until: options.timeout }]))
    },

    map(items: unknown, work: unknown, { concurrency = CONCURRENCY } = {}): Promise<unknown[]> {
      return new PromiseConstructor((resolve, reject) => {
        if (!isArray(items)) throw failure('INVALID_ARGUMENT', 'items must be a list')
        if (typeof work !== 'function') throw failure('INVALID_ARGUMENT', 'there is no function for the items')
        const count = items.length
        const results: unknown[] = []
        let next = 0
        let open = max(1, min(NumberFunction(concurrency), count))
        const worker = async (): Promise<void> => {
          while (next < count) {
            const index = next
            next += 1
            const value: unknown = await (work as (item: unknown, index: number) => unknown)(items[index], index)
            defineProperty(results, index, {
              __proto__: null,
              value,
              writable: true,
              enumerable: true,
              configurable: true,
            } as PropertyDescriptor)
          }
        }
        const done = (): void => {
          open -= 1
          if (open === 0) resolve(results)
        }
        const failed = (error: unknown): void => {
          next = count
          reject(error)
        }
        for (let index = open; index > 0; index -= 1) whenSettled(worker(), done, failed)
      })
    },
  }
}

/** The error of a step that failed in this run, or in one before. */
function errorOf(given: Answer['error']): Error {
  const { name = 'Error', message = '', code } = given ?? {}
  if (code !== undefined) return failure(code, message)
  const error = new ErrorConstructor(message)
  defineProperty(error, 'name', {
    __proto__: null,
    value: name,
    writable: true,
    configurable: true,
  } as PropertyDescriptor)
  return error
}
