import { InvalidArgumentError } from 'commander'

/** A key or an id for the path of a URL, where `.` and `..` mean something else however they are written. */
export function parseSegment(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  if (text === '.' || text === '..') throw new InvalidArgumentError('URLs give "." and ".." a meaning of their own.')
  return text
}

/** JSON text from the command line. */
export function parseJsonArgument(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : 'Not JSON.')
  }
}
