/** An error about a guest's code that the cell finds, not the engine: its stack would name the cell's own functions. */
export function codeFault(kind: 'SyntaxError' | 'TypeError', message: string): Error {
  const error = kind === 'SyntaxError' ? new SyntaxError(message) : new TypeError(message)
  error.stack = `${kind}: ${message}`
  return error
}
