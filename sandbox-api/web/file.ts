import { Blob } from './blob.ts'
export class File extends Blob {
  readonly name: string
  readonly lastModified: number
  constructor(
    parts: readonly (string | Uint8Array | Blob)[],
    name: string,
    options: { type?: string; lastModified?: number } = {},
  ) {
    super(parts, options)
    this.name = name
    this.lastModified = options.lastModified ?? 0
  }
}
export function isFile(value: unknown): value is File {
  return value instanceof File
}
