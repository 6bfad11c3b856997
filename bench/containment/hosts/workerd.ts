import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { workerdBinary } from '../packages.ts'
import { type Ending, type Submitted, serveHost, textOf } from './host.ts'

/**
 * workerd with a worker a program behind a socket of its own. The open-source server has no limits to configure (its enforcer
 * of limits is NullIsolateLimitEnforcer); the host gives up on its request at the deadline, which ends the waiting, not the work.
 */
serveHost(async (programs) => {
  const directory = mkdtempSync(join(tmpdir(), 'cloister-bench-'))
  writeFileSync(join(directory, 'config.capnp'), configOf(programs))
  for (const [index, { code }] of programs.entries()) writeFileSync(join(directory, `${index}.js`), workerOf(code))
  const child = spawn(workerdBinary(), ['serve', join(directory, 'config.capnp'), '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: {},
  })
  // The server that all customers share is the host here: when it is gone, so is this process.
  child.once('exit', () => process.kill(process.pid, 'SIGKILL'))
  const ports = await portsOf(child.stdio[3] as Readable, programs.length)
  rmSync(directory, { recursive: true })
  return (program) => call(ports.get(`s${programs.indexOf(program)}`) ?? 0, program)
})

async function call(port: number, { input, wallMs }: Submitted): Promise<Ending> {
  try {
    const signal = AbortSignal.timeout(wallMs)
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(input), signal })
    return { kind: response.ok ? 'value' : 'error', text: await response.text() }
  } catch (error) {
    return { kind: 'limit', text: textOf(error) }
  }
}

function configOf(programs: readonly Submitted[]): string {
  const services = programs.map((_, index) => `(name = "w${index}", worker = .worker${index})`)
  const sockets = programs.map(
    (_, index) => `(name = "s${index}", address = "127.0.0.1:0", http = (), service = "w${index}")`,
  )
  const workers = programs.map(
    (_, index) =>
      `const worker${index} :Workerd.Worker = (modules = [(name = "main", esModule = embed "${index}.js")], compatibilityDate = "2026-10-01");`,
  )
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [${services.join(', ')}], sockets = [${sockets.join(', ')}]);
${workers.join('\n')}
`
}

function workerOf(code: string): string {
  return `async function run(input) {
${code}
}
export default {
  async fetch(request) {
    try {
      return new Response(JSON.stringify(await run(await request.json())) ?? 'undefined')
    } catch (error) {
      return new Response(String(error?.message), { status: 500 })
    }
  },
}
`
}

async function portsOf(control: Readable, count: number): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>()
  const lines = createInterface({ input: control })
  for await (const line of lines) {
    const { socket, port } = JSON.parse(line) as { socket?: string; port?: number }
    if (socket !== undefined && port !== undefined) ports.set(socket, port)
    if (ports.size === count) break
  }
  return ports
}
