import { isUtf8 } from 'node:buffer'
import { CloisterError } from '../core/errors.ts'
import { quoted } from './quoted.ts'
import { JsonFault, skipSpace, skipString, skipValue } from './json-text.ts'

/** A field of the body's object: its name, and where its value stands in the body's bytes. */
export interface JsonField {
  readonly name: string
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/** Fields of one body. No call has a tenth of it; more is someone looking for the slow path of the duplicate check. */
const FIELDS_MAX = 64

const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Finds the fields of a JSON object without building any of its values, so that a value can travel on as the bytes it
 * came in. Throws INVALID_JSON with the position, and INVALID_REQUEST for a name that is there twice.
 *
 * Invariant: what is accepted is accepted by JSON.parse, and every range is the text of one whole value.
 */
export function scanFields(body: Buffer): readonly JsonField[] {
  if (!isUtf8(body)) throw new CloisterError('INVALID_JSON', 'the body is not UTF-8')
  const fields: JsonField[] = []
  const place: Place = { field: undefined }
  try {
    scanObject(body, fields, place)
  } catch (error) {
    throw error instanceof JsonFault ? describe(error, place) : error
  }
  return fields
}

interface Place {
  /** The field whose value is being read. */
  field: string | undefined
}

function scanObject(body: Buffer, fields: JsonField[], place: Place): void {
  let at = expect(body, skipSpace(body, 0), OPEN_BRACE, '{')
  at = skipSpace(body, at)
  if (body[at] !== CLOSE_BRACE) {
    for (;;) {
      at = scanField(body, at, fields, place)
      if (body[at] !== COMMA) break
      at = skipSpace(body, at + 1)
    }
  }
  at = skipSpace(body, expect(body, at, CLOSE_BRACE, ', or }'))
  if (at < body.length) throw new JsonFault(at, 'the end')
}

/** Returns the position of the comma or brace behind the field. */
function scanField(body: Buffer, at: number, fields: JsonField[], place: Place): number {
  const nameEnd = skipString(body, at)
  const name = readString(body, at, nameEnd)
  if (fields.some((field) => field.name === name)) {
    throw new CloisterError('INVALID_REQUEST', `${quoted(name)} is in the body twice`)
  }
  if (fields.length === FIELDS_MAX) {
    throw new CloisterError('INVALID_REQUEST', `the body has more than ${FIELDS_MAX} fields`)
  }
  const start = skipSpace(body, expect(body, skipSpace(body, nameEnd), COLON, ':'))
  place.field = name
  const end = skipValue(body, start, 1)
  const next = skipSpace(body, end)
  place.field = undefined
  fields.push({ name, start, end })
  return next
}

/** The text of a JSON string that has been scanned; `start` and `end` include its quotes. */
export function readString(body: Buffer, start: number, end: number): string {
  const text = body.toString('utf8', start + 1, end - 1)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

function expect(body: Buffer, at: number, byte: number, name: string): number {
  if (body[at] !== byte) throw new JsonFault(at, name)
  return at + 1
}

function describe({ position, expected }: JsonFault, { field }: Place): CloisterError {
  const where = field === undefined ? '' : `, in the field ${quoted(field)}`
  return new CloisterError('INVALID_JSON', `the body is not JSON: expected ${expected} at position ${position}${where}`)
}
