import { once } from 'node:events'
import { WebSocket } from 'ws'

export interface Notification {
  readonly method: string
  readonly params: any
}

/** A debugger as DevTools is one: commands with answers, and notifications in the order in which they come. */
export interface DevToolsClient {
  /** Sends a command and resolves with its result. Rejects with what the inspector says against it. */
  command(method: string, params?: object): Promise<any>
  /** The next notification of this name that nobody has taken yet. */
  next(method: string): Promise<any>
  /** All notifications of this name so far that nobody has taken. */
  taken(method: string): any[]
  readonly closed: Promise<unknown>
  close(): void
}

export async function connectDevTools(url: string): Promise<DevToolsClient> {
  const socket = new WebSocket(url)
  const answers = new Map<number, PromiseWithResolvers<any>>()
  const notifications: Notification[] = []
  let lastId = 0
  let come = Promise.withResolvers<void>()
  socket.on('message', (data) => {
    const message = JSON.parse(String(data))
    if (message.id === undefined) {
      notifications.push(message)
      come.resolve()
      come = Promise.withResolvers()
    } else if (message.error === undefined) answers.get(message.id)?.resolve(message.result)
    else answers.get(message.id)?.reject(new Error(message.error.message))
  })
  await once(socket, 'open')
  return {
    command(method, params = {}) {
      lastId += 1
      const answer = Promise.withResolvers<any>()
      answers.set(lastId, answer)
      socket.send(JSON.stringify({ id: lastId, method, params }))
      return answer.promise
    },
    async next(method) {
      for (;;) {
        const index = notifications.findIndex((one) => one.method === method)
        if (index >= 0) return notifications.splice(index, 1)[0]?.params
        await come.promise
      }
    },
    taken: (method) => notifications.filter((one) => one.method === method).map(({ params }) => params),
    closed: once(socket, 'close'),
    close: () => socket.close(),
  }
}
