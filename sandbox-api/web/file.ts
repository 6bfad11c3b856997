import { Blob, toBag, toParts } from './blob.ts'
import { registerClone } from './clone-registry.ts'
import { getHost } from './host.ts'
import { finishInterface, needArguments, toDictionary, toLongLong, toUSVString } from './webidl.ts'

/** File API, "File". */
export class File extends Blob {
  readonly #name: string
  readonly #lastModified: number

  constructor(fileBits: unknown, fileName: unknown, options: unknown = undefined) {
    needArguments(arguments.length, 2, 'File')
    const parts = toParts(fileBits)
    const name = toUSVString(fileName)
    const bag = toBag(options)
    const { lastModified } = toDictionary(options, 'the options')
    super(parts, bag)
    this.#name = name
    this.#lastModified = lastModified === undefined ? Math.floor(getHost().now()) : toLongLong(lastModified)
  }

  get name(): string {
    return this.#name
  }
  get lastModified(): number {
    return this.#lastModified
  }
}

finishInterface(File, 'File', 'name', 'lastModified')
registerClone(File, (file) => {
  const { name, type, lastModified } = file
  return () => new File([file], name, { type, lastModified })
})
