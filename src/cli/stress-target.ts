import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type MemoryProbe, hasProc, openMemoryProbe } from '../pool/meter.ts'
import type { Cells } from '../stress/memory-watch.ts'
import { ask } from './ask.ts'
import { type Connection, connectOverNetwork } from './connection.ts'
import type { Context } from './context.ts'
import { configure } from './data-directory.ts'
import type { Host } from './host.ts'
import { createScratch } from './scratch.ts'

/** What the stress test is aimed at. */
export interface Target extends AsyncDisposable {
  readonly kind: 'own' | 'server'
  readonly connection: Connection
  /** Absent if they are another process's to see. */
  readonly cells?: Cells
}

/** A server that somebody has started. Throws what it answers if the key is not the administrator's. */
export async function openServer(url: string, key: string | undefined): Promise<Target> {
  const connection = connectOverNetwork({ url, key, place: 'server' })
  await ask(connection, 'GET', '/v1/tenants')
  return { kind: 'server', connection, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() }
}

/** A host of the test's own, on a port of this machine that nobody knows, over a folder that goes with it. */
export async function openOwnHost(context: Context): Promise<Target> {
  await using taken = new AsyncDisposableStack()
  const scratch = taken.use(await createScratch('stress'))
  const config = configure(context, {
    dataDirectory: scratch.path,
    host: '127.0.0.1',
    port: 0,
    logLevel: 'silent',
    // The report says how strong the walls are; the programs are known, so that weak ones may be tried.
    allowWeakWalls: true,
  })
  const { openHost } = await context.loadHost()
  const host = taken.use(await openHost(config))
  const { url } = await host.listen()
  await host.ready()
  const connection = taken.use(connectOverNetwork({ url, key: host.adminKey, place: 'server' }))
  const cells = hasProc ? taken.use(watchCells(host, config.dataDirectory)) : undefined
  const resources = taken.move()
  return {
    kind: 'own',
    connection,
    ...(cells !== undefined && { cells }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function watchCells(host: Host, directory: string): Cells & Disposable {
  const probes = new Map<number, MemoryProbe | undefined>()
  return {
    list() {
      const cells = host.pool.cells()
      const pids = new Set(cells.map(({ pid }) => pid))
      for (const [pid, probe] of probes) {
        if (pids.has(pid)) continue
        probe?.[Symbol.dispose]()
        probes.delete(pid)
      }
      return cells.map(({ pid, tenant }) => {
        const probe = probes.getOrInsertComputed(pid, openMemoryProbe)
        return { tenant, bytes: probe?.read() ?? 0 }
      })
    },
    strays: () => findStrays(join(directory, 'cells'), new Set(host.pool.cells().map(({ pid }) => pid))),
    [Symbol.dispose]() {
      for (const probe of probes.values()) probe?.[Symbol.dispose]()
    },
  }
}

/** Processes whose command line names the folder of the cells' program, but for those known and whoever started them. */
function findStrays(folder: string, known: ReadonlySet<number>): readonly number[] {
  const families = new Set([...known].flatMap(ancestorsOf))
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid) || families.has(pid) || pid === process.pid) return []
    return readProc(pid, 'cmdline').includes(folder) ? [pid] : []
  })
}

/** A process and those above it. */
function ancestorsOf(pid: number): readonly number[] {
  const family: number[] = []
  for (let one = pid; one > 1 && !family.includes(one); one = parentOf(one)) family.push(one)
  return family
}

function parentOf(pid: number): number {
  const text = readProc(pid, 'stat')
  // The second field is the program's name in brackets and may hold spaces; the parent is the second after it.
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1])
}

/** Empty for a process that has ended since its number was read. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
