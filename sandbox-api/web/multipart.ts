import { Blob } from './blob.ts'
import type { Source } from './body.ts'
import type { FormEntry } from './form-data.ts'

const { random } = Math
const LINE_BREAK = /\r\n|\r|\n/g
const ESCAPED = /[\r\n"]/g
const ESCAPES: Readonly<Record<string, string>> = { '\n': '%0A', '\r': '%0D', '"': '%22' }

/** A form as `multipart/form-data`: HTML, "multipart/form-data encoding algorithm". A text, unless it has files. */
export function serializeMultipart(entries: readonly FormEntry[]): { source: Source; boundary: string } {
  const boundary = `----formdata-${digits()}${digits()}`
  const parts: (string | Blob)[] = []
  let text = ''
  for (const [name, value] of entries) {
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${escape(toLineBreaks(name))}"`
    if (typeof value === 'string') {
      text += `\r\n\r\n${toLineBreaks(value)}\r\n`
      continue
    }
    const type = value.type === '' ? 'application/octet-stream' : value.type
    parts.push(`${text}; filename="${escape(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value)
    text = '\r\n'
  }
  text += `--${boundary}--\r\n`
  return { source: parts.length === 0 ? text : new Blob([...parts, text]), boundary }
}

/** Not to be met in a value by chance. Who can guess it can end his own part early, and begin another. */
function digits(): string {
  return random().toString(36).slice(2).padStart(12, '0')
}

function toLineBreaks(text: string): string {
  return text.replace(LINE_BREAK, '\r\n')
}

function escape(text: string): string {
  return text.replace(ESCAPED, (character) => ESCAPES[character] ?? '')
}
