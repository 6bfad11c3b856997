import { grant, whole } from '../fields.ts'

/** What a policy says of `auth`. */
export const auth = grant({
  operations: whole({
    min: 1,
    max: 1_000_000,
    about: 'Operations on users of one run.',
    bounds: 'null removes auth altogether; each operation is work for the host.',
  }),
  users: whole({
    min: 1,
    max: 10_000_000,
    about: 'Users that the tenant’s application may have.',
    bounds: 'none would be no capability; more belongs in an identity service.',
  }),
  sessions: whole({
    min: 1,
    max: 1_000,
    about: 'Sessions of one user; the oldest ends when there is one more.',
    bounds: 'none would be no capability; more than one list should show.',
  }),
  sessionSeconds: whole({
    min: 60,
    max: 315_360_000,
    about: 'Longest life of a session in seconds.',
    bounds: 'in less nothing can be done; ten years are for good.',
  }),
  attempts: whole({
    min: 1,
    max: 100,
    about: 'Attempts at one user’s password in a row before each further one has to wait.',
    bounds: 'with none nobody could log in; a hundred guesses find a weak password.',
  }),
  concurrency: whole({
    min: 1,
    max: 256,
    about: 'Passwords of the tenant that are hashed or wait for it at once.',
    bounds: 'one is needed to log in at all; the host hashes two at a time for everybody.',
  }),
})
