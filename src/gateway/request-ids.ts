import { randomBytes } from 'node:crypto'

/** Makes ids that tell requests apart in answers and logs: random for the process, counted within it. */
export function createRequestIds(): () => string {
  const process = randomBytes(5).toString('hex')
  let counter = 0
  return () => {
    counter += 1
    return `req_${process}_${counter.toString(36)}`
  }
}
