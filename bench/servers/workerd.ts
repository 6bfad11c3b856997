import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'
import { ENVELOPE } from './subject.ts'

const BINARY = fileURLToPath(new URL('../node_modules/.bin/workerd', import.meta.url))

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (modules = [(name = "main", esModule = embed "main.js")], compatibilityDate = "2026-10-01");
`

const WORKER = `const envelope = ${JSON.stringify(ENVELOPE)}
function run(input) { return { hello: input.name, sum: input.left + input.right } }
export default {
  async fetch(request) {
    const { input } = await request.json()
    return Response.json({ ...envelope, result: run(input) })
  },
}
`

/** Starts workerd with one worker. Rejects, naming the remedy, if the bench's packages are not installed. */
export async function startWorkerd(): Promise<Child & { readonly port: number }> {
  if (!existsSync(BINARY)) throw new Error('workerd is not installed; run: npm ci --prefix bench')
  const directory = mkdtempSync(join(tmpdir(), 'cloister-bench-'))
  writeFileSync(join(directory, 'config.capnp'), CONFIG)
  writeFileSync(join(directory, 'main.js'), WORKER)
  const args = ['serve', join(directory, 'config.capnp'), '--control-fd=3']
  try {
    const child = await startChild({ command: BINARY, args, announces: 3 })
    const { port } = JSON.parse(child.firstLine) as { port: number }
    return { ...child, port }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
