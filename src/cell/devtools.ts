import type ivm from 'isolated-vm'

/** Ids of our own commands; a debugger counts from 1 and never comes here. */
const OWN_IDS = 0x7000_0000
const NUDGE_ID = 0x7fff_ffff
const NUDGE = JSON.stringify({ id: NUDGE_ID, method: 'Runtime.getIsolateId' })
/** When a message is sent after another that got no answer, in ms: at first, and at most. */
const NUDGE_FIRST_MS = 5
const NUDGE_LAST_MS = 500

/** An answer or a notification of V8's inspector. */
export interface Reply {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

interface Parts {
  readonly isolate: ivm.Isolate
  /** Opens isolated-vm's session. This thread has to be in the isolate meanwhile: V8 ends the process otherwise. */
  readonly open: () => ivm.InspectorSession
  readonly listener: Listener
}

/** What comes out of a session that is not the answer to a command of our own, as it was written. */
export interface Listener {
  /** `id` is that of the debugger's command. */
  readonly answered: (id: number, message: string) => void
  readonly notified: (message: string) => void
}

/**
 * The one session of V8's inspector that an isolate has: our own commands and the debugger's share it.
 *
 * isolated-vm loses a message that arrives while V8 is about to pause: it is in its queue and nobody is woken. So as long
 * as a command has no answer, another one follows it and wakes the isolate.
 */
export class DevTools {
  readonly #isolate: ivm.Isolate
  readonly #session: ivm.InspectorSession
  readonly #own = new Map<number, (reply: Reply) => void>()
  readonly #theirs = new Set<number>()
  #lastId = OWN_IDS
  #nudge: NodeJS.Timeout | undefined
  #closed = false

  constructor({ isolate, open, listener }: Parts) {
    this.#isolate = isolate
    this.#session = open()
    this.#session.onResponse = (id, message) => {
      if (id === NUDGE_ID) return
      const resolve = this.#own.get(id)
      this.#own.delete(id)
      this.#theirs.delete(id)
      if (resolve !== undefined) resolve(JSON.parse(message) as Reply)
      else listener.answered(id, message)
    }
    this.#session.onNotification = listener.notified
  }

  /** Sends a command of our own. Resolves with its answer, whatever that says; never if the session is closed before. */
  command(method: string, params: object = {}): Promise<Reply> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve) => {
      this.#own.set(id, resolve)
      this.#dispatch(JSON.stringify({ id, method, params }))
    })
  }

  /** Hands on a command of the debugger's. */
  forward(id: number, message: string): void {
    this.#theirs.add(id)
    this.#dispatch(message)
  }

  /** Nobody waits for the answers to the debugger's commands any more. */
  forget(): void {
    this.#theirs.clear()
  }

  close(): void {
    if (this.#isClosed) return
    this.#closed = true
    clearTimeout(this.#nudge)
    this.#session.dispose()
  }

  /** An isolate that reached its memory limit has taken the session with it: whoever asks that for anything waits for ever. */
  get #isClosed(): boolean {
    return this.#closed || this.#isolate.isDisposed
  }

  #dispatch(message: string): void {
    if (this.#isClosed) return
    this.#session.dispatchProtocolMessage(message)
    clearTimeout(this.#nudge)
    this.#nudgeIn(NUDGE_FIRST_MS)
  }

  #nudgeIn(ms: number): void {
    this.#nudge = setTimeout(() => {
      if (this.#isClosed || this.#own.size + this.#theirs.size === 0) return
      this.#session.dispatchProtocolMessage(NUDGE)
      this.#nudgeIn(Math.min(ms * 2, NUDGE_LAST_MS))
    }, ms)
  }
}
