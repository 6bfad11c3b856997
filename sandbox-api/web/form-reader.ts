import { toBytes, toMarkedText } from './body.ts'
import { Utf8Decoder } from './encoding/utf8.ts'
import { File } from './file.ts'
import { type FormData, type FormEntry, createForm } from './form-data.ts'
import type { MimeType } from './mime-type.ts'
import { type FormPart, parseMultipart } from './multipart-parser.ts'
import { parseUrlencoded } from './urlencoded.ts'

/** Reads a body as a form, by its type. Throws TypeError for what is none. */
export function readForm(content: Uint8Array | string, type: MimeType | undefined): FormData {
  switch (type?.essence) {
    case 'multipart/form-data': {
      const boundary = type.parameters.get('boundary')
      if (boundary === undefined) throw new TypeError('the Content-Type of the form names no boundary')
      return createForm(parseMultipart(toBytes(content), boundary).map(toEntry))
    }
    case 'application/x-www-form-urlencoded':
      return createForm(parseUrlencoded(toMarkedText(content)))
    default:
      throw new TypeError('the Content-Type of the body is that of no form')
  }
}

function toEntry({ name, filename, type = 'text/plain', content }: FormPart): FormEntry {
  if (filename !== undefined) return [name, new File([content], filename, { type })]
  return [name, new Utf8Decoder('replacement').decode(content, 'last')]
}
