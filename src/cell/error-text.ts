/** What isolated-vm adds to an error of the compiler that has no line of the guest's. */
const UNPLACED = / \[<isolated-vm>:\d+:\d+\]/g

const FRAME = /^\s*at /
const HIDDEN_FRAME = /cloister:|<isolated-vm boundary>|file:|node:|^\s+at .*[(\s]\/|cell-[0-9a-f]+\.c?js/

/** `{name, message, stack}` as JSON, each cut to what a report holds. */
export function errorText(name: string, message: string, stack = ''): string {
  return withoutRuntimeFrames(
    JSON.stringify({ name: name.slice(0, 200), message: message.slice(0, 4_096), stack: stack.slice(0, 8_192) }),
  )
}

/** The same of something thrown by a guest's code, or by what compiles and links it. */
export function thrownText(thrown: unknown, origin = ''): string {
  const [text = '', stack] = [textOf(thrown, 'message'), textOf(thrown, 'stack')].map((part) =>
    withoutOrigin(part.replaceAll(UNPLACED, ''), origin),
  )
  return errorText(textOf(thrown, 'name') || 'Error', text, stack)
}

/** A text in which modules go by the names that they were submitted under; `origin` stands before them. */
export function withoutOrigin(text: string, origin: string): string {
  return origin === '' ? text : text.replaceAll(origin, '')
}

/** A property of something thrown, as text. isolated-vm copied it into this realm: a plain value or an Error. */
export function textOf(thrown: unknown, name: string): string {
  if (typeof thrown !== 'object' || thrown === null) return name === 'message' ? String(thrown) : ''
  const value = (thrown as Record<string, unknown>)[name]
  return typeof value === 'string' ? value : ''
}

/** Stacks show the tenant's own lines only: nothing of the runtime, the cell or isolated-vm. */
export function withoutRuntimeFrames(text: string): string {
  const error = JSON.parse(text) as { name: string; message: string; stack: string }
  const lines = error.stack.split('\n').filter((line) => !FRAME.test(line) || !HIDDEN_FRAME.test(line))
  return JSON.stringify({ ...error, stack: lines.join('\n') })
}
