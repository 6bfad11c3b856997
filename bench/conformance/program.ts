import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConformanceTest, IDL_PARSER, resolveIn } from './selection.ts'

/** How long a test may take before what it has by then is its result, as in browsers but for `normal`, where they give 10 s. */
const TIMEOUT_MS = { normal: 20_000, long: 60_000 }

/** What guest.js runs: everything that one test consists of, as text. */
export interface Plan {
  readonly path: string
  readonly search: string
  readonly harness: string
  /** Scripts with a scope of their own, evaluated one by one. */
  readonly libraries: readonly string[]
  /** The test after what it asks for. They share top-level names, so they are one script. */
  readonly script: string
  /** What `fetch` answers: text by the address as the test writes it. */
  readonly texts: Readonly<Record<string, string>>
  readonly needs: { readonly location: boolean; readonly window: boolean; readonly fileReader: boolean }
  readonly timeoutMs: number
}

/** JavaScript that evaluates to a function: `(evaluate) => Promise<string>`, the result as JSON. */
export function programOf(plan: Plan): string {
  return `((evaluate) => {\n${GUEST}\nreturn runConformanceTest(${JSON.stringify(plan)}, evaluate)\n})`
}

const GUEST = readFileSync(fileURLToPath(new URL('./guest.js', import.meta.url)), 'utf8')
const IDL_LIBRARIES = new Set([IDL_PARSER, 'resources/idlharness.js'])

/** Reads everything that a test consists of. */
export function planOf(tree: string, test: ConformanceTest): Plan {
  const read = (path: string): string => readFileSync(join(tree, path), 'utf8')
  const libraries = test.scripts.filter((path) => IDL_LIBRARIES.has(path))
  const parts = [...test.scripts.filter((path) => !IDL_LIBRARIES.has(path)), test.file].map((path) =>
    substitute(read(path)),
  )
  const script = `${parts.every(isStrict) ? "'use strict';" : ';'}\n${parts.join('\n;\n')}`
  return {
    path: `/${test.file}`,
    search: test.variant,
    harness: read('resources/testharness.js'),
    libraries: libraries.map(read),
    script,
    texts: { ...fetchedBy(script, test.file, read), ...(libraries.length > 0 && interfacesOf(tree, read)) },
    needs: {
      location: /\blocation\b/.test(script),
      window: libraries.length > 0,
      fileReader: /\bFileReader\b/.test(script),
    },
    timeoutMs: TIMEOUT_MS[test.long ? 'long' : 'normal'],
  }
}

/** Whether a script opens with the directive. Joined with others it would lose or spread it, so all must agree. */
function isStrict(script: string): boolean {
  return /^(?:\s|\/\/.*\n|\/\*[\s\S]*?\*\/)*(['"])use strict\1/.test(script)
}

/** What the server of the test suite would put in. */
function substitute(script: string): string {
  return script.replaceAll('{{host}}', 'web-platform.test')
}

function fetchedBy(script: string, file: string, read: (path: string) => string): Record<string, string> {
  const addresses = [...script.matchAll(/\bfetch\(\s*(['"`])([^'"`$]+)\1/g)].map(([, , address]) => address ?? '')
  return Object.fromEntries(
    addresses.flatMap((address) => {
      try {
        return [[address, read(resolveIn(file, address))]]
      } catch {
        return []
      }
    }),
  )
}

function interfacesOf(tree: string, read: (path: string) => string): Record<string, string> {
  return Object.fromEntries(globSync('interfaces/*.idl', { cwd: tree }).map((path) => [`/${path}`, read(path)]))
}
