import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installedVersion, workerdBinary } from '../../containment/packages.ts'
import { startChild } from '../../servers/child.ts'
import { type Ending, GRACE_MS, type Peer } from '../peer.ts'

/** With the binding that lets a worker turn text into code, which workerd's own tests use too. */
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "main", esModule = embed "main.js")],
  compatibilityDate = "2026-10-01",
  bindings = [(name = "UNSAFE", unsafeEval = void)],
);
`

/** A workerd server a test, which answers one request with the result. */
export async function openWorkerd(): Promise<Peer> {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-bench-'))
  writeFileSync(join(directory, 'config.capnp'), CONFIG)
  return {
    name: 'workerd',
    version: installedVersion('workerd') ?? '',
    run: (program, timeoutMs) => runIn(directory, program, timeoutMs),
    [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function runIn(directory: string, program: string, timeoutMs: number): Promise<Ending> {
  writeFileSync(join(directory, 'main.js'), workerOf(program))
  const args = ['serve', '--experimental', join(directory, 'config.capnp'), '--control-fd=3']
  try {
    await using child = await startChild({ command: workerdBinary(), args, announces: 3 })
    const { port } = JSON.parse(child.firstLine) as { port: number }
    const signal = AbortSignal.timeout(timeoutMs + GRACE_MS)
    const response = await fetch(`http://127.0.0.1:${port}/`, { signal })
    const text = await response.text()
    return response.ok ? { kind: 'answered', text } : { kind: 'broken', why: `${response.status}: ${text}` }
  } catch (error) {
    return { kind: 'broken', why: String(error) }
  }
}

function workerOf(program: string): string {
  return `const run = ${program}
const Answer = Response
export default {
  async fetch(request, env) {
    return new Answer(await run((text) => env.UNSAFE.eval(text)))
  },
}
`
}
