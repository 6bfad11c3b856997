import { Client } from 'undici'
import type { Post, SendPost } from '../../core/webhooks.ts'
import { Reach } from './addresses.ts'
import { createConnector } from './connector.ts'
import { failureOf } from './failure.ts'
import type { Resolve } from './resolver.ts'

/** What of an answer's body is read before its connection is closed. */
const ANSWER_BYTES_MAX = 16 << 10
const HEADER_BYTES_MAX = 16 << 10

const PUBLIC = new Reach([])
const ANY = new Reach(['0.0.0.0/0', '::/0'])

/**
 * Posts for the host itself, on behalf of tenants: each request on a connection of its own, made to an address that was
 * checked as those of `fetch` are. Redirects are not followed: they lead to where nobody has set the webhook.
 */
export function createSendPost(resolve: Resolve): SendPost {
  return async ({ url, headers, body, reach, timeout }: Post) => {
    const { origin, pathname, search } = new URL(url)
    const signal = AbortSignal.timeout(timeout)
    const client = new Client(origin, {
      connect: createConnector({ resolve, reach: reach === 'any' ? ANY : PUBLIC, admit() {}, opened() {} }),
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: HEADER_BYTES_MAX,
    })
    try {
      const answer = await client.request({ method: 'POST', path: pathname + search, headers, body, signal })
      // Read so that the receiver sees its answer taken; what it says is of no interest.
      await answer.body.dump({ limit: ANSWER_BYTES_MAX, signal }).catch(() => undefined)
      return answer.statusCode
    } catch (error) {
      if (signal.aborted) throw new Error(`no answer came within ${timeout / 1_000} s`, { cause: error })
      throw failureOf(error)
    } finally {
      await client.destroy()
    }
  }
}
