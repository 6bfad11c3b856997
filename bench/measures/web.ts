import { createCloister } from '../../src/index.ts'
import { type Finding, type Measure, ratio } from '../finding.ts'

/** Calls of one thing in one round. */
const CALLS = 2_000

const SUBJECTS = {
  'new URL, plain': `(i) => new URL('https://api.example.com/v1/items/' + i + '?limit=5')`,
  'new URL, parsed': `(i) => new URL('HTTPS://user:pw@example.com:443/a/../b/' + i)`,
  'URL setter': `(i) => { url.pathname = '/x' + i }`,
  'URLSearchParams, read': `(i) => new URLSearchParams('a=1&b=two%20words&c=' + i).get('b')`,
  'URLPattern.test': `(i) => pattern.test('https://h.example/books/' + i)`,
  'TextEncoder, 32 units': `() => encoder.encode(short)`,
  'TextEncoder, 64 Ki units': `() => encoder.encode(long)`,
  'TextDecoder, 32 bytes': `() => decoder.decode(shortBytes)`,
  'TextDecoder, 64 KiB': `() => decoder.decode(longBytes)`,
} as const
type Subject = keyof typeof SUBJECTS
const NAMES = Object.keys(SUBJECTS) as Subject[]

/** Gives nanoseconds a call for each subject. The same text runs in a guest and here. */
const PROGRAM = `
  const encoder = new TextEncoder(), decoder = new TextDecoder(), url = new URL('https://example.com/a?b#c')
  const pattern = new URLPattern({ pathname: '/books/:id' }), short = 'thirty-two characters, more or less'.slice(0, 32)
  const long = 'Grüße. '.repeat(9_363).slice(0, 65_536), shortBytes = encoder.encode(short), longBytes = encoder.encode(long).slice(0, 65_536)
  const subjects = { ${NAMES.map((name) => `${JSON.stringify(name)}: ${SUBJECTS[name]}`).join(', ')} }
  const result = {}
  for (const [name, action] of Object.entries(subjects)) {
    const calls = name.includes('64') ? ${CALLS / 10} : ${CALLS}
    for (let index = 0; index < calls; index += 1) action(index)
    const from = Date.now()
    let done = 0
    // The clock counts in milliseconds, so many of them are needed.
    for (; Date.now() - from < 50; done += calls) for (let index = 0; index < calls; index += 1) action(index)
    result[name] = ((Date.now() - from) * 1e6) / done
  }
  return result`

/** What a call of the web's API costs where a part of it is done outside the isolate. */
export const web: Measure = {
  name: 'web',
  about:
    'One call of URL, URLPattern, TextEncoder and TextDecoder in a guest, where the parser and long texts are native code of ' +
    'the cell, against the same call in plain Node. Rounds alternate.',
  async run({ rounds }, note) {
    await using cloister = await createCloister({ config: { blankCells: 1 } })
    await cloister.putTenant('bench', { policy: { extends: 'generous' } })
    const guest = new Map<Subject, number[]>(NAMES.map((name) => [name, []]))
    const node = new Map<Subject, number[]>(NAMES.map((name) => [name, []]))
    // oxlint-disable-next-line no-new-func
    const here = new Function(PROGRAM) as () => Record<Subject, number>
    for (let round = 0; round < rounds; round += 1) {
      note(`round ${round + 1} of ${rounds}`)
      const { status, result, error } = await cloister.execute({ tenant: 'bench', code: PROGRAM })
      if (status !== 'ok') throw new Error(`${status}: ${error?.message}`)
      const there = here()
      for (const name of NAMES) {
        guest.get(name)?.push((result as Record<Subject, number>)[name])
        node.get(name)?.push(there[name])
      }
    }
    return NAMES.flatMap((name) => findingsOf(name, guest.get(name) ?? [], node.get(name) ?? []))
  },
}

function findingsOf(name: Subject, guest: readonly number[], node: readonly number[]): readonly Finding[] {
  return [
    { subject: 'guest', metric: name, unit: 'ns', rounds: guest },
    { subject: 'node', metric: name, unit: 'ns', rounds: node },
    ratio('guest ÷ node', name, guest, node),
  ]
}
