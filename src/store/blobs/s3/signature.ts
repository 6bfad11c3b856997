import { createHash, createHmac } from 'node:crypto'
import type { EpochMillis } from '../../../core/quantity.ts'

/** Whose requests they are, and where. The secret goes into signatures and nowhere else. */
export interface Credentials {
  readonly accessKey: string
  readonly secretKey: string
  readonly region: string
}

/** A request as it is signed. */
export interface Signable {
  readonly method: string
  /** Encoded already, as it goes over the wire. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** All that are signed, by names in small letters; `host` is among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly at: EpochMillis
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/** AWS Signature Version 4 in headers: those of the request, with `authorization`, `x-amz-date` and the content's hash. */
export function signHeaders(request: Signable, contentHash: string, credentials: Credentials): Record<string, string> {
  const time = timestamp(request.at)
  const headers = { ...request.headers, 'x-amz-content-sha256': contentHash, 'x-amz-date': time }
  const signature = signatureOf({ ...request, headers }, contentHash, credentials)
  const credential = `${credentials.accessKey}/${scopeOf(time, credentials)}`
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${namesOf(headers)}, Signature=${signature}`
  return { ...headers, authorization }
}

/** AWS Signature Version 4 in the query: what it becomes, encoded. Anybody who has it may make the request until it expires. */
export function signQuery(request: Signable, expiresInSeconds: number, credentials: Credentials): string {
  const time = timestamp(request.at)
  const query = {
    ...request.query,
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${credentials.accessKey}/${scopeOf(time, credentials)}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(expiresInSeconds),
    'X-Amz-SignedHeaders': namesOf(request.headers),
  }
  const signature = signatureOf({ ...request, query }, 'UNSIGNED-PAYLOAD', credentials)
  return `${encodeQuery(query)}&X-Amz-Signature=${signature}`
}

/** A query in the one form that is signed: encoded, then sorted by its bytes. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]): readonly [string, string] => [encode(name), encode(value)])
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

function signatureOf(request: Signable, contentHash: string, credentials: Credentials): string {
  const time = timestamp(request.at)
  const headers = namesOf(request.headers)
    .split(';')
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`)
  const canonical = [
    request.method,
    request.path,
    encodeQuery(request.query),
    headers.join(''),
    namesOf(request.headers),
    contentHash,
  ].join('\n')
  const text = [ALGORITHM, time, scopeOf(time, credentials), sha256(canonical)].join('\n')
  const steps = [time.slice(0, 8), credentials.region, 's3', 'aws4_request', text]
  return steps
    .reduce<Buffer>(
      (key, step) => createHmac('sha256', key).update(step).digest(),
      Buffer.from(`AWS4${credentials.secretKey}`),
    )
    .toString('hex')
}

function scopeOf(time: string, { region }: Credentials): string {
  return `${time.slice(0, 8)}/${region}/s3/aws4_request`
}

function namesOf(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers).toSorted().join(';')
}

/** `20130524T000000Z`. */
function timestamp(at: EpochMillis): string {
  return `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

/** All but letters, digits and `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
