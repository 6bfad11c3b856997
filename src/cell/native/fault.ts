/** What goes wrong in a native operation, as the guest shall see it: an error of the language's or a DOMException, by name. */
export class NativeFault extends Error {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

/** `name: message` of anything thrown: what crosses into the guest. An error that is not a fault says no more than its kind. */
export function faultText(thrown: unknown): string {
  if (thrown instanceof NativeFault) return `${thrown.name}: ${thrown.message}`
  return thrown instanceof RangeError
    ? 'RangeError: the operation needs more than there is'
    : 'OperationError: the operation failed'
}
