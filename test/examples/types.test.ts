import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'cloister-types-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** A tenant's own project, in which Cloister is installed. Libraries are checked as well. */
mkdirSync(join(directory, 'node_modules'))
symlinkSync(ROOT, join(directory, 'node_modules/cloister'))
cpSync(join(ROOT, 'examples/typed'), directory, { recursive: true })

/** What the compiler says of the project with one more file in it. */
function check(source: string): string {
  writeFileSync(join(directory, 'more.ts'), source)
  try {
    return execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', directory], {
      encoding: 'utf8',
    })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test('the example and handlers of every kind are right by the types that are published', () => {
  const source = `import type { ExportedHandler, Handler } from 'cloister/types'
    import page from './page.html'
    import module from './add.wasm'
    export const plain = ((input: string) => input.length) satisfies Handler<string, number>
    export const body: Handler = async (_input, context) => [context.runId, await context.kv?.get('a'), page.length, new WebAssembly.Instance(module)]
    export default {
      fetch: (request) => new Response(new URL(request.url).pathname),
      async queue({ messages }) { for (const message of messages) if (message.body.ok) message.ack(); else message.retry({ delaySeconds: 5 }) },
      scheduled({ scheduledTime }, { waitUntil }) { waitUntil(Promise.resolve(new Date(scheduledTime))) },
    } satisfies ExportedHandler<{ ok: boolean }>`
  expect(check(source)).toBe('')
})

test('what is wrong is found', () => {
  const source = `import type { Handler } from 'cloister/types'
    export const misspelt: Handler = (_input, context) => context.remaining()
    export const output = (() => 'text') satisfies Handler<string, number>
    export const value: Handler = async (_input, { kv }) => { await kv?.put('a', () => 1) }
    export const node: Handler = () => process.version`
  const lines = check(source).split('\\n').join('\n')
  for (const line of [2, 3, 4, 5]) expect(lines).toMatch(new RegExp(`more\\.ts\\(${line},\\d+\\): error`))
})
