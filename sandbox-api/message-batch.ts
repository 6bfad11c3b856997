import { TypeErrorConstructor, apply, defineProperty, freeze, stringify } from './primordials.ts'

/** A batch as the host describes it. */
interface BatchDescription {
  readonly queue: string
  readonly messages: readonly { readonly id: string; readonly sentAt: string }[]
}

type Handle = (batch: object, context: object) => unknown

const DELAY_SECONDS_MAX = 43_200

/**
 * Calls a guest's handler with messages of a queue, and gives what the host is told of them: a list with a delay in seconds for
 * each that is to come again, -1 for those that are done with. The first word on a message counts; those without one are done with.
 */
export async function handleBatch(handle: Handle, self: unknown, input: unknown, context: object): Promise<unknown> {
  const { queue, messages: described } = input as BatchDescription
  const messages: object[] = []
  const said: (number | undefined)[] = []
  const say = (index: number, what: number): void => {
    if (said[index] === undefined) said[index] = what
  }
  for (let index = 0; index < described.length; index += 1) {
    defineAt(said, index, undefined)
    const message = described[index] as object
    defineProperty(
      message,
      'ack',
      hidden(() => say(index, -1)),
    )
    defineProperty(
      message,
      'retry',
      hidden((options?: unknown) => say(index, delayOf(options))),
    )
    defineAt(messages, index, freeze(message))
  }
  const every = (what: number): void => {
    for (let index = 0; index < described.length; index += 1) say(index, what)
  }
  const batch = freeze({
    queue,
    messages: freeze(messages),
    ackAll: () => every(-1),
    retryAll: (options?: unknown) => every(delayOf(options)),
  })
  await apply(handle, self, [batch, context])
  let list = ''
  for (let index = 0; index < described.length; index += 1)
    list += `${index === 0 ? '' : ','}${stringify(said[index] ?? -1)}`
  return list
}

/** An element of its own: a guest can give the prototype of lists a setter for any index. */
function defineAt<Value>(list: Value[], index: number, value: Value): void {
  defineProperty(list, index, {
    __proto__: null,
    value,
    writable: true,
    configurable: true,
    enumerable: true,
  } as PropertyDescriptor)
}

function hidden(value: unknown): PropertyDescriptor {
  return { __proto__: null, value, enumerable: false } as PropertyDescriptor
}

function delayOf(options: unknown): number {
  const given = options === undefined || options === null ? 0 : (options as { delaySeconds?: unknown }).delaySeconds
  if (given === undefined) return 0
  if (typeof given === 'number' && given >= 0 && given <= DELAY_SECONDS_MAX) return given
  throw new TypeErrorConstructor(`delaySeconds must be a number from 0 to ${DELAY_SECONDS_MAX}`)
}
