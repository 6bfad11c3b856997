import { grant, whole, yesOrNo } from '../fields.ts'

const KIB = 1024

/** What a policy says of `secrets`. */
export const secrets = grant({
  operations: whole({
    min: 1,
    max: 10_000,
    about: 'Secrets that one run may ask for.',
    bounds: 'null removes secrets altogether; each is opened by the host and kept to the end of the run.',
  }),
  secrets: whole({
    min: 1,
    max: 500,
    about: 'Secrets that the tenant may keep.',
    bounds: 'none would be no capability; the host looks at each of them at each request.',
  }),
  valueBytes: whole({
    min: 8,
    max: 16 * KIB,
    about: 'Length of a secret in bytes.',
    bounds: 'the shortest secret there is; more than servers take as a header.',
  }),
  storedBytes: whole({
    min: 8,
    max: 64 * KIB,
    about: 'All secrets that the tenant may keep, together, in bytes.',
    bounds: 'less holds nothing; several hundred times as much memory may go into finding them in responses.',
  }),
  reveal: yesOrNo('Whether code may have a secret itself, by secrets.reveal.'),
})
