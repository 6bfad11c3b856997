/** What a run ends with at its wall limit. */
export function timeoutText(): string {
  return errorText('Error', 'the run reached its wall time limit')
}

/** An error as the wire carries it: JSON of a bounded size. */
export function errorText(name: string, message: string, stack = ''): string {
  return withoutRuntimeFrames(
    JSON.stringify({ name: name.slice(0, 200), message: message.slice(0, 4_096), stack: stack.slice(0, 8_192) }),
  )
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
  const lines = error.stack.split('\n').filter((line) => !HIDDEN_FRAME.test(line))
  return JSON.stringify({ ...error, stack: lines.join('\n') })
}

/** What isolated-vm adds to an error of the compiler that has no line of the guest's. */
export const UNPLACED = / \[<isolated-vm>:\d+:\d+\]/g

const HIDDEN_FRAME = /cloister:|<isolated-vm boundary>|file:|node:|^\s+at .*[(\s]\/|cell-[0-9a-f]+\.c?js/
