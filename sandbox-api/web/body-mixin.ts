import { type Body, toBytes, toText } from './body.ts'
import type { HeaderList } from './header-list.ts'
import { type MimeType, extractMimeType, serializeMimeType } from './mime-type.ts'

/** A request or a response, as far as its body is concerned. */
export interface BodyOwner {
  readonly body: Body | null
  readonly headers: HeaderList
}

const { parse } = JSON

/** Gives an interface the members of Fetch's "Body". `ownerOf` throws TypeError for what is no instance. */
export function defineBody(Class: { readonly prototype: object }, ownerOf: (object: unknown) => BodyOwner): void {
  const members = {
    get body(): unknown {
      return ownerOf(this).body?.stream ?? null
    },
    get bodyUsed(): boolean {
      return ownerOf(this).body?.isUsed ?? false
    },
    async arrayBuffer(): Promise<ArrayBuffer> {
      return copyOf(await contentOf(ownerOf(this))).buffer
    },
    async blob(): Promise<object> {
      const owner = ownerOf(this)
      const content = await contentOf(owner)
      const { createBlob } = require('./blob.ts') as typeof import('./blob.ts')
      const type = typeOf(owner)
      // Not by the constructor, which would put a boundary into small letters.
      return createBlob([copyOf(content)], type === undefined ? '' : serializeMimeType(type))
    },
    async bytes(): Promise<Uint8Array> {
      return copyOf(await contentOf(ownerOf(this)))
    },
    async formData(): Promise<object> {
      const owner = ownerOf(this)
      const content = await contentOf(owner)
      const { readForm } = require('./form-reader.ts') as typeof import('./form-reader.ts')
      return readForm(content, typeOf(owner))
    },
    async json(): Promise<unknown> {
      return parse(toText(await contentOf(ownerOf(this)))) as unknown
    },
    async text(): Promise<string> {
      return toText(await contentOf(ownerOf(this)))
    },
  }
  Object.defineProperties(Class.prototype, Object.getOwnPropertyDescriptors(members))
}

async function contentOf({ body }: BodyOwner): Promise<Uint8Array | string> {
  return (await body?.read()) ?? ''
}

/** Bytes that nobody else holds: those of a text are new, others may be shared with a copy of the body. */
function copyOf(content: Uint8Array | string): Uint8Array<ArrayBuffer> {
  return (typeof content === 'string' ? toBytes(content) : content.slice()) as Uint8Array<ArrayBuffer>
}

function typeOf({ headers }: BodyOwner): MimeType | undefined {
  return extractMimeType(headers.get('content-type'))
}
