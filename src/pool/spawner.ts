import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import type { OpenPath } from '../kernel/landlock.ts'
import type { Libc } from '../kernel/libc.ts'
import type { ProcessEnd } from './death.ts'
import type { Launch } from './launch.ts'
import { spawnHere } from './spawn-here.ts'
import type { SpawnRequest, SpawnerData, SpawnerNews } from './spawner-thread.ts'

/** A cell's process as the host holds it. */
export interface CellProcess {
  /** Of the cell itself, as the host sees it, whatever stands between. */
  readonly pid: number
  readonly socket: Duplex
  /** Resolves once the kernel has reaped the process. Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** Ends the process at once. Does nothing once it has ended. */
  kill(): void
}

/** Starts the processes of cells. */
export interface Spawner extends AsyncDisposable {
  /**
   * Starts a process with an empty environment, no standard input or output, and one socket as descriptor 3.
   * Rejects if the system cannot start it.
   *
   * Invariant: a cell holds no credential: nothing of the host's environment, files or arguments is in it.
   */
  spawn(launch: Launch): Promise<CellProcess>
}

interface Parts {
  readonly libc: Libc | undefined
  /** Files that stay open to cells; absent where the thread does not restrict them. */
  readonly files?: readonly OpenPath[]
  /** Called when the thread ends by itself: its cells end with it. */
  readonly onFailure: (error: Error) => void
}

interface Waiting {
  readonly socket: Duplex
  readonly started: PromiseWithResolvers<CellProcess>
  readonly ended: PromiseWithResolvers<ProcessEnd>
  hasStarted: boolean
  hasEnded: boolean
}

/**
 * Opens a spawner. Where the C library can be called, a thread of its own starts the processes: a start then costs the
 * host's main thread nothing, and what the thread has taken from itself its children never have. Rejects if the thread
 * cannot take from itself what it should.
 */
export async function openSpawner({ libc, files, onFailure }: Parts): Promise<Spawner> {
  if (libc === undefined) return { spawn: (launch) => spawnHere(launch), [Symbol.asyncDispose]: async () => {} }
  const data: SpawnerData = files === undefined ? {} : { files }
  const file = import.meta.url.endsWith('.ts') ? './spawner-thread.ts' : './spawner-thread.js'
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data, name: 'cloister-spawner' })
  const waiting = new Map<number, Waiting>()
  const up = Promise.withResolvers<void>()
  let stopping = false
  let lastId = 0

  let failure: Error | undefined

  const fail = (error: Error): void => {
    failure ??= error
    up.reject(error)
    for (const one of waiting.values()) {
      abandon(one, error.message)
      // The kernel kills what the thread has started when the thread ends; nobody is left to tell of it.
      one.ended.resolve({ code: null, signal: 'SIGKILL', lastWords: '' })
    }
    waiting.clear()
    if (!stopping) onFailure(error)
  }
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('the thread that starts cells ended')))
  worker.on('message', (news: SpawnerNews) => {
    if (news.kind === 'up') {
      if (news.fault === undefined) up.resolve()
      else up.reject(new Error(news.fault))
      return
    }
    const one = waiting.get(news.id)
    if (one === undefined) return
    switch (news.kind) {
      case 'started':
        one.hasStarted = true
        return one.started.resolve(processOf(news.pid, one))
      case 'failed':
        release(news.id)
        return abandon(one, news.message)
      case 'ended':
        release(news.id)
        one.hasEnded = true
        abandon(one, `it ended at its start: ${news.end.signal ?? news.end.code} ${news.end.lastWords}`.trim())
        return void readToEnd(one.socket).then(() => one.ended.resolve(news.end))
    }
  })
  // The thread keeps the host alive while a process of its own lives, or its end would never be heard of.
  const release = (id: number): void => {
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
  }

  const spawner: Spawner = {
    async spawn(launch) {
      if (failure !== undefined) throw failure
      const [mine, theirs] = libc.socketPair()
      const socket = new Socket({ fd: mine, readable: true, writable: true })
      lastId += 1
      const one: Waiting = {
        socket,
        started: Promise.withResolvers(),
        ended: Promise.withResolvers(),
        hasStarted: false,
        hasEnded: false,
      }
      waiting.set(lastId, one)
      worker.ref()
      const request: SpawnRequest = { id: lastId, launch, socket: theirs }
      worker.postMessage(request)
      return await one.started.promise
    },
    async [Symbol.asyncDispose]() {
      stopping = true
      await worker.terminate()
    },
  }
  try {
    await up.promise
    worker.unref()
    return spawner
  } catch (error) {
    await spawner[Symbol.asyncDispose]()
    throw error
  }
}

/** A dead process is silent once its socket has been read to its end: its last frames tell whose code it was in. In ms. */
const LAST_FRAMES_WAIT_MS = 100

function readToEnd(socket: Duplex): Promise<void> {
  if (socket.readableEnded || socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LAST_FRAMES_WAIT_MS)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    socket.once('end', done)
    socket.once('close', done)
  })
}

/** Nobody was handed this socket. Does nothing to a process that has started: its end is told by `ended`. */
function abandon({ started, socket, hasStarted }: Waiting, reason: string): void {
  if (hasStarted) return
  socket.destroy()
  started.reject(new Error(`the system could not start a cell process: ${reason}`))
}

function processOf(pid: number, one: Waiting): CellProcess {
  return {
    pid,
    socket: one.socket,
    ended: one.ended.promise,
    kill() {
      if (!one.hasEnded) killProcess(pid)
    },
  }
}

/** Sends SIGKILL; a process that is gone already is what was wanted. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It died by itself in between: its end is reported all the same.
  }
}
