import type { Request } from './request.ts'
import { requestStateOf } from './request.ts'
import type { Response } from './response.ts'

/** Sends a request to where it goes. No policy grants that, so all there is to say is why it is not sent. */
export async function send(request: Request): Promise<Response> {
  const { url } = requestStateOf(request)
  throw new TypeError(`fetch of ${url.slice(0, 200)} failed: the policy grants no outbound fetch`)
}
