import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

/**
 * Turns an example and the npm packages that it imports into one module that can be submitted: `node examples/bundle.ts
 * NAME` prints it. With `--input FILE` it prints the body of a request instead, for curl; `-` is standard input.
 */
export async function bundleExample(name: string): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL(`./${name}/main.ts`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    // Guests have the language and a few globals: packages that ask are given what they have for browsers.
    platform: 'neutral',
    mainFields: ['browser', 'module', 'main'],
    conditions: ['browser', 'import'],
    target: 'esnext',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    loader: { '.hbs': 'text' },
  })
  const [file] = result.outputFiles
  if (file === undefined) throw new Error(`the example ${name} came out empty`)
  return file.text
}

/** The body of `POST /v1/tenants/{tenant}/execute`. The input stays the text that it is. */
export function requestBody(code: string, input: string): string {
  return `{"code":${JSON.stringify(code)},"input":${input}}`
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { input: { type: 'string' } } })
  const code = await bundleExample(positionals[0] ?? '')
  const input = values.input === '-' ? 0 : values.input
  process.stdout.write(input === undefined ? code : requestBody(code, readFileSync(input, 'utf8')))
}
