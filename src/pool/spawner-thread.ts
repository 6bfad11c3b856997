import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { parentPort, workerData } from 'node:worker_threads'
import { architectureOf } from '../kernel/architecture.ts'
import { earlyFilter } from '../kernel/filters.ts'
import { type OpenPath, restrictFiles } from '../kernel/landlock.ts'
import { type Libc, openLibc } from '../kernel/libc.ts'
import { installFilter } from '../kernel/seccomp.ts'
import type { ProcessEnd } from './death.ts'
import { collectLastWords } from './last-words.ts'
import { CELL_ENVIRONMENT, DESCRIPTOR, type Launch } from './launch.ts'

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
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
const CLOSE_RANGE_CLOEXEC = 4
const DESCRIPTOR_MAX = 0xffff_ffff

const port = parentPort
if (port === null) throw new Error('this file is started as a thread')
const libc = openLibc()
/** Standard input and output of every cell. Opened before this thread takes its files from itself. */
const nothing = openSync('/dev/null', 'r+')
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
  library.leaveFolder()
  if (architecture === undefined) return
  // What the host itself has inherited open, from whoever started it, is not for cells.
  library.syscall(architecture.number('close_range') ?? -1, 3, DESCRIPTOR_MAX, CLOSE_RANGE_CLOEXEC)
  if (files === undefined) return
  installFilter(library, architecture, earlyFilter(architecture), 'this thread')
  restrictFiles(library, architecture, files)
}

function start({ id, launch, socket }: SpawnRequest): void {
  if (libc === undefined) return tell({ kind: 'failed', id, message: 'the C library cannot be called' })
  const mine: Socket[] = []
  const theirs: number[] = []
  const open = (): { readonly mine: Socket; readonly theirs: number } => {
    const [near, far] = libc.socketPair()
    theirs.push(far)
    const end = new Socket({ fd: near, readable: true, writable: false })
    mine.push(end)
    return { mine: end, theirs: far }
  }
  const { command, args, filterFile, isWrapped } = launch
  let filter: number | undefined
  try {
    const stderr = open()
    const info = isWrapped ? open() : undefined
    filter = filterFile === undefined ? undefined : openSync(filterFile, 'r')
    const descriptors: (readonly [number, number])[] = [
      [nothing, 0],
      [nothing, 1],
      [stderr.theirs, 2],
      [socket, DESCRIPTOR.socket],
      ...(info === undefined ? [] : [[info.theirs, DESCRIPTOR.info] as const]),
      ...(filter === undefined ? [] : [[filter, DESCRIPTOR.filter] as const]),
    ]
    const pid = libc.spawn({ command, args, environment: CELL_ENVIRONMENT, descriptors })
    follow(id, pid, stderr.mine)
    if (info === undefined) return tell({ kind: 'started', id, pid })
    // One that says nothing ends, and its end is told.
    void readPid(info.mine)
      .catch(() => undefined)
      .then((inner) => {
        info.mine.destroy()
        if (inner !== undefined) tell({ kind: 'started', id, pid: inner })
      })
  } catch (error) {
    for (const end of mine) end.destroy()
    tell({ kind: 'failed', id, message: String(error) })
  } finally {
    for (const descriptor of theirs) libc.close(descriptor)
    libc.close(socket)
    if (filter !== undefined) closeSync(filter)
  }
}

/** A process that still lives when its standard error has ended is asked for again after so many ms, twice as many each time. */
const ASK_AGAIN_MS = 1
const ASK_AGAIN_MAX_MS = 64

/**
 * Tells of the end of a process. Its standard error ends with it, a moment before the kernel can say how; one that has closed
 * it itself, or left it to another, is asked for from time to time.
 */
function follow(id: number, pid: number, stderr: Socket): void {
  const words = collectLastWords(stderr)
  const ask = (waitMs: number): void => {
    const status = libc?.reap(pid)
    if (status === undefined) {
      setTimeout(() => ask(Math.min(waitMs * 2, ASK_AGAIN_MAX_MS)), waitMs)
      return
    }
    const signal = status.signal === null ? null : (SIGNAL_NAMES.get(status.signal) ?? `signal ${status.signal}`)
    tell({ kind: 'ended', id, end: { code: status.code, signal, lastWords: words() } })
  }
  stderr.on('error', () => {})
  stderr.once('close', () => ask(ASK_AGAIN_MS))
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
