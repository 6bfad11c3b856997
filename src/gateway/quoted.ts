const LENGTH_MAX = 80

/** Text of a caller, for a message: as JSON, so that nothing in it can pass for part of the message, and cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > LENGTH_MAX ? `${text.slice(0, LENGTH_MAX)}…` : text)
}
