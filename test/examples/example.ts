import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleExample } from '../../examples/bundle.ts'
import { createDirectory, runProgram } from '../cli/command-line.ts'
import { type RunUsage, compareBill } from '../e2e/independent-bill.ts'
import { type Answer, type Server, startServer } from '../e2e/server.ts'

export const TENANT = 'ann'

/** An example, bundled, with a server to run it on and a folder for the command line to run it in. */
export interface Example extends AsyncDisposable {
  readonly server: Server
  readonly code: string
  /** Over HTTP. */
  post(input: unknown): Promise<Answer>
  /** By `cloister run`, without a server, in a data directory of its own. Gives the answer that it prints. */
  run(input: unknown): Promise<{ readonly exit: number | null; readonly answer: any }>
  /** Any command line in that folder. */
  cloister(...args: string[]): ReturnType<typeof runProgram>
  /** Compares the bill that the command line prints, as JSON and as CSV, with these runs. */
  expectPrintedBill(usages: readonly RunUsage[]): Promise<void>
}

export async function openExample(name: string): Promise<Example> {
  await using taken = new AsyncDisposableStack()
  const folder = taken.use(createDirectory()).path
  const server = taken.use(await startServer())
  await server.tenant(TENANT)
  const code = await bundleExample(name)
  writeFileSync(join(folder, 'bundle.js'), code)
  const resources = taken.move()
  const cloister = (...args: string[]) => runProgram(args, { cwd: folder })
  return {
    server,
    code,
    cloister,
    post: (input) => server.run(TENANT, { code, input }),
    async run(input) {
      writeFileSync(join(folder, 'input.json'), JSON.stringify(input))
      const args = ['run', 'bundle.js', '--input-file', 'input.json', '--tenant', TENANT, '--json']
      const { code: exit, stdout } = await cloister(...args)
      return { exit, answer: JSON.parse(stdout) }
    },
    async expectPrintedBill(usages) {
      const bill = await cloister('bill', '--tenant', TENANT, '--json')
      const csv = await cloister('bill', '--tenant', TENANT, '--csv')
      compareBill({ bill: JSON.parse(bill.stdout), csv: csv.stdout }, usages)
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
