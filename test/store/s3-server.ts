import { createHash, createHmac } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const [ACCESS, SECRET, REGION, BUCKET] = ['AKIATEST', 'a+secret/of/tests', 'eu-test-1', 'blobs']

interface Multipart {
  readonly key: string
  readonly parts: Map<number, Buffer>
}

/** As much of S3 as Cloister speaks to, on this machine. It checks signatures by itself. */
export interface S3Server extends AsyncDisposable {
  readonly settings: {
    endpoint: string
    bucket: string
    prefix: string
    accessKey: string
    secretKey: string
    region: string
    style: 'path'
  }
  readonly objects: Map<string, Buffer>
  readonly uploads: Map<string, Multipart>
  /** What was asked for: `PUT /blobs/p/name?partNumber=1`, without ids. */
  readonly seen: string[]
  /** Answers a request in its own way: with a status, or by cutting the connection before, in the middle of, or after the work. */
  trouble: (request: string) => number | 'cut' | 'cut-body' | 'cut-after' | undefined
}

export async function openS3Server(): Promise<S3Server> {
  const state: Pick<S3Server, 'objects' | 'uploads' | 'seen' | 'trouble'> = {
    objects: new Map(),
    uploads: new Map(),
    seen: [],
    trouble: () => undefined,
  }
  const server = createServer((request, response) => void answer(request, response))
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const url = new URL(request.url!, 'http://s3')
    const name = `${request.method} ${request.url!.replace(/[?&](uploadId|X-Amz-|response-)[^&]*/g, '')}`
    state.seen.push(name)
    const trouble = state.trouble(name)
    if (trouble === 'cut') return void request.socket.destroy()
    if (typeof trouble === 'number') return fail(response, trouble, 'SlowDown')
    if (!isSigned(request, url, body)) return fail(response, 403, 'SignatureDoesNotMatch')
    if (url.pathname.split('/')[1] !== BUCKET) return fail(response, 404, 'NoSuchBucket')
    if (trouble === 'cut-after') {
      work(request.method!, url, request.headers.range, body)
      return void request.socket.destroy()
    }
    const [status, content, headers = {}] = work(request.method!, url, request.headers.range, body)
    if (typeof content === 'string' && status >= 400) return fail(response, status, content)
    response.writeHead(status, { ...headers, 'content-length': content.length })
    if (trouble !== 'cut-body') return void response.end(request.method === 'HEAD' ? undefined : content)
    response.write(content.slice(0, content.length / 2), () => setImmediate(() => request.socket.destroy()))
  }
  function work(
    method: string,
    url: URL,
    range: string | undefined,
    body: Buffer,
  ): [number, Buffer | string, Record<string, string>?] {
    const key = url.pathname.split('/').slice(2).join('/')
    const uploadId = url.searchParams.get('uploadId')
    if (method === 'GET' && url.searchParams.has('uploads')) {
      const under = [...state.uploads].filter(([, one]) => one.key.startsWith(url.searchParams.get('prefix')!))
      const list = under.map(([id, one]) => `<Upload><Key>${one.key}</Key><UploadId>${id}</UploadId></Upload>`)
      return [200, `<R><Prefix>p/</Prefix>${list.join('')}</R>`]
    }
    if (method === 'POST' && url.searchParams.has('uploads')) {
      const id = `upload&${state.seen.length}`
      state.uploads.set(id, { key, parts: new Map() })
      return [200, `<R><UploadId>${id.replace('&', '&amp;')}</UploadId></R>`]
    }
    if (uploadId !== null) {
      const upload = state.uploads.get(uploadId)
      if (upload === undefined || upload.key !== key) return [404, 'NoSuchUpload']
      if (method === 'PUT') {
        upload.parts.set(Number(url.searchParams.get('partNumber')), body)
        return [200, '', { etag: etagOf(body) }]
      }
      state.uploads.delete(uploadId)
      if (method === 'DELETE') return [204, '']
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]+)</g)]
      const parts = named.map(([, n, etag]) => {
        const part = upload.parts.get(Number(n))
        return part !== undefined && etagOf(part) === etag ? part : undefined
      })
      if (parts.includes(undefined) || parts.slice(0, -1).some((part) => part!.length < 5 << 20))
        return [400, 'InvalidPart']
      state.objects.set(key, Buffer.concat(parts as Buffer[]))
      return [200, '<R/>']
    }
    if (method === 'PUT') return state.objects.set(key, body) && [200, '', { etag: etagOf(body) }]
    if (method === 'DELETE') return [state.objects.delete(key) ? 204 : 204, '']
    const object = state.objects.get(key)
    if (object === undefined) return [404, 'NoSuchKey']
    if (range === undefined) return [200, object]
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range)!
    return Number(from) < object.length ? [206, object.subarray(Number(from), Number(to) + 1)] : [416, 'InvalidRange']
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const settings = {
    endpoint,
    bucket: BUCKET,
    prefix: 'p/',
    accessKey: ACCESS,
    secretKey: SECRET,
    region: REGION,
    style: 'path',
  } as const
  return Object.assign(state, {
    settings,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`)
}

/** The signature of a request as it came, in headers or in its query. */
function isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
  const inQuery = url.searchParams.get('X-Amz-Signature')
  const header = /Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
    request.headers.authorization ?? '',
  )
  const [credential, names, given] =
    inQuery === null
      ? (header?.slice(1) ?? [])
      : [url.searchParams.get('X-Amz-Credential')!, url.searchParams.get('X-Amz-SignedHeaders')!, inQuery]
  if (credential === undefined || names === undefined) return false
  const date = inQuery === null ? String(request.headers['x-amz-date']) : url.searchParams.get('X-Amz-Date')!
  const hash = inQuery === null ? createHash('sha256').update(body).digest('hex') : 'UNSIGNED-PAYLOAD'
  if (inQuery === null && request.headers['x-amz-content-sha256'] !== hash) return false
  const scope = [date.slice(0, 8), REGION, 's3', 'aws4_request']
  if (credential !== [ACCESS, ...scope].join('/')) return false
  // The query as it stands on the wire: what is not encoded and sorted as it should be does not verify.
  const query = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !pair.startsWith('X-Amz-Signature='))
  let canonical = `${request.method}\n${url.pathname}\n${query.toSorted().join('&')}\n`
  for (const name of names.split(';')) canonical += `${name}:${request.headers[name]}\n`
  canonical += `\n${names}\n${hash}`
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), createHash('sha256').update(canonical).digest('hex')]
  let key: string | Buffer = `AWS4${SECRET}`
  for (const step of scope) key = createHmac('sha256', key).update(step).digest()
  return createHmac('sha256', key).update(text.join('\n')).digest('hex') === given
}
