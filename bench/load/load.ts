/** One load on one server: the same request again and again over connections that stay open, one at a time on each. */
export interface Load {
  readonly port: number
  readonly path: string
  /** Header lines besides Host, Content-Type and Content-Length. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connections: number
  readonly warmUpMs: number
  readonly durationMs: number
  /** Text that every answer must contain; an answer without it, or with another status than 200, is a fault. */
  readonly expect: string
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the load generator itself in the measured time; near 1 it is the generator that is being measured. */
  readonly generatorCores: number
}

/** The bytes of the load's request. */
export function requestBytes({ port, path, headers, body }: Load): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
