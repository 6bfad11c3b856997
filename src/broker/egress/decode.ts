import { Readable, type Transform, pipeline } from 'node:stream'
import zlib from 'node:zlib'
import { CapabilityError } from '../capability.ts'
import { type ByteSource, piecesOf } from './byte-source.ts'

/** Codings on top of each other. Servers use one; each more multiplies what a bomb can be. */
const CODINGS_MAX = 2
const FLUSH = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }
const BROTLI = {
  flush: zlib.constants.BROTLI_OPERATION_FLUSH,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(FLUSH),
  'x-gzip': () => zlib.createGunzip(FLUSH),
  deflate: () => zlib.createInflate(FLUSH),
  br: () => zlib.createBrotliDecompress(BROTLI),
}

/**
 * The body behind a `Content-Encoding`. It is decompressed piece by piece as it is read, so that a bomb costs what is read
 * of it. What is in no coding that was asked for is passed on as it is. Throws RESPONSE_INVALID for too many codings.
 */
export function decoded(source: ByteSource, encoding: string | undefined): ByteSource {
  const codings = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (!codings.every((coding) => Object.hasOwn(DECODERS, coding))) return source
  if (codings.length > CODINGS_MAX) {
    source.cancel()
    throw new CapabilityError('RESPONSE_INVALID', `the response is encoded ${codings.length} times over`)
  }
  return codings.reduceRight<ByteSource>((inner, coding) => decode(inner, DECODERS[coding] as () => Transform), source)
}

function decode(source: ByteSource, createDecoder: () => Transform): ByteSource {
  const decoder = createDecoder()
  let failure: unknown
  let isOver = false
  pipeline(Readable.from(piecesOf(source), { objectMode: true, highWaterMark: 1 }), decoder, (error) => {
    failure = error
    isOver = true
  })
  const iterator = decoder[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  return {
    async read() {
      try {
        const { done, value } = await iterator.next()
        return done === true ? undefined : value
      } catch (error) {
        throw asDecodeFailure(isOver ? (failure ?? error) : error)
      }
    },
    cancel() {
      source.cancel()
      decoder.destroy()
    },
  }
}

function asDecodeFailure(error: unknown): unknown {
  if (error instanceof CapabilityError) return error
  return new CapabilityError('RESPONSE_INVALID', 'the body of the response cannot be decompressed')
}
