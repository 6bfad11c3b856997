import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { parentPort, workerData } from 'node:worker_threads'
import { architectureOf } from '../kernel/architecture.ts'
import { earlyFilter } from '../kernel/filters.ts'
import { type OpenPath, restrictFiles } from '../kernel/landlock.ts'
import { type Libc, openLibc } from '../kernel/libc.ts'
import { installFilter } from '../kernel/seccomp.ts'
import type { ProcessEnd } from './death.ts'
import { collectLastWords } from './last-words.ts'
import { CELL_ENVIRONMENT, type Launch } from './launch.ts'

/** What the thread is started with. */
export interface SpawnerData {
  /** Files that stay open to what it starts. Absent: the thread takes nothing from itself (levels A and C). */
  readonly files?: readonly OpenPath[]
}

export interface SpawnRequest {
  readonly id: number
  readonly launch: Launch
  /** The cell's end of its socket. This thread closes it once the cell has it. */
  readonly socket: number
}

export type SpawnerNews =
  | { readonly kind: 'up'; readonly fault?: string }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'ended'; readonly id: number; readonly end: ProcessEnd }

/**
 * Cells give way to the host when both want a processor: what the host does (deadlines, watchdog, answers) is short and
 * somebody waits for it. Half the weight of a process at 0 is 3.
 */
const CELL_NICE = 3
/** Standard error of a dead process is read so long at most. In ms. */
const LAST_WORDS_WAIT_MS = 100
const CLOSE_RANGE_CLOEXEC = 4
const DESCRIPTOR_MAX = 0xffff_ffff

const port = parentPort
if (port === null) throw new Error('this file is started as a thread')
const libc = openLibc()
const tell = (news: SpawnerNews): void => port.postMessage(news)

try {
  if (libc !== undefined) confine(libc, workerData as SpawnerData)
  tell({ kind: 'up' })
} catch (error) {
  tell({ kind: 'up', fault: error instanceof Error ? error.message : String(error) })
}
port.on('message', (request: SpawnRequest) => start(request))

/**
 * What is taken from this thread is taken from every cell it starts, from its first instruction on, and from nothing else
 * of the host: filters, Landlock domains, no_new_privs and nice values belong to threads and are inherited by children.
 */
function confine(library: Libc, { files }: SpawnerData): void {
  const architecture = architectureOf(process.arch)
  library.setNice(CELL_NICE)
  if (architecture === undefined) return
  // What the host itself has inherited open, from whoever started it, is not for cells.
  library.syscall(architecture.number('close_range') ?? -1, 3, DESCRIPTOR_MAX, CLOSE_RANGE_CLOEXEC)
  if (files === undefined) return
  installFilter(library, architecture, earlyFilter(architecture), 'this thread')
  restrictFiles(library, architecture, files)
}

function start({ id, launch, socket }: SpawnRequest): void {
  const { command, args, filterFile, isWrapped } = launch
  let filter: number | undefined
  try {
    filter = filterFile === undefined ? undefined : openSync(filterFile, 'r')
    const child = spawn(command, args, {
      cwd: '/',
      env: CELL_ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe', socket, ...(isWrapped ? (['pipe', filter] as const) : [])],
      // A group of its own: a Ctrl-C at the host's terminal drains the host; it must not kill the cells under its runs.
      detached: true,
    })
    follow(id, child, isWrapped)
  } catch (error) {
    tell({ kind: 'failed', id, message: String(error) })
  } finally {
    if (filter !== undefined) closeSync(filter)
    libc?.close(socket)
  }
}

function follow(id: number, child: ChildProcess, isWrapped: boolean): void {
  const words = collectLastWords(child.stderr)
  child.on('error', (error) => tell({ kind: 'failed', id, message: error.message }))
  child.on('exit', (code, signal) => {
    const end = (): void => {
      clearTimeout(timer)
      child.removeListener('close', end)
      tell({ kind: 'ended', id, end: { code, signal, lastWords: words() } })
    }
    const timer = setTimeout(end, LAST_WORDS_WAIT_MS)
    child.on('close', end)
  })
  if (!isWrapped) {
    if (child.pid !== undefined) tell({ kind: 'started', id, pid: child.pid })
    return
  }
  // One that says nothing ends, and its end is told.
  void readPid(child.stdio[4] as Readable)
    .catch(() => undefined)
    .then((pid) => {
      if (pid !== undefined) tell({ kind: 'started', id, pid })
    })
}

/** Reads `{"child-pid": N, …}`; undefined when the writer ends without it. */
async function readPid(info: Readable): Promise<number | undefined> {
  let text = ''
  for await (const chunk of info) {
    text += String(chunk)
    if (text.includes('}')) break
  }
  const found = /"child-pid"\s*:\s*(\d+)/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
