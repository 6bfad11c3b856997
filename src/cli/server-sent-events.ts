/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/** Longest event that is read, in characters: a run's logs are bounded by the policy, far below. */
const EVENT_LENGTH_MAX = 64 << 20

/** Events from the parts of a stream, however it is cut: HTML, "Interpreting an event stream". Comments and ids are left out. */
export async function* readEvents(parts: AsyncIterable<string>): AsyncGenerator<ServerSentEvent, void> {
  let rest = ''
  let name = ''
  let data: string[] = []
  for await (const part of parts) {
    rest += part
    if (rest.length > EVENT_LENGTH_MAX) throw new RangeError(`an event has more than ${EVENT_LENGTH_MAX} characters`)
    // A carriage return at the end may be half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line !== '') {
        const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
        if (field === 'event') name = value
        else if (field === 'data') data.push(value)
        continue
      }
      if (data.length > 0) yield { name: name || 'message', data: data.join('\n') }
      name = ''
      data = []
    }
  }
}
