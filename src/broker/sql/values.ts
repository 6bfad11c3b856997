import { type ArrayText, parseArrayText } from './array-text.ts'

/** How a type's text becomes JSON. `exact`: as text, because a JSON number would round it. */
type Kind = 'boolean' | 'number' | 'exact' | 'json' | 'bytes' | 'time' | 'text'

interface Type {
  readonly name: string
  readonly kind: Kind
  /** The object id of the array of it. */
  readonly arrayId: number
}

/* prettier-ignore */
const TYPES: ReadonlyMap<number, Type> = new Map([
  [16,   { name: 'bool',        kind: 'boolean', arrayId: 1000 }],
  [17,   { name: 'bytea',       kind: 'bytes',   arrayId: 1001 }],
  [20,   { name: 'int8',        kind: 'exact',   arrayId: 1016 }],
  [21,   { name: 'int2',        kind: 'number',  arrayId: 1005 }],
  [23,   { name: 'int4',        kind: 'number',  arrayId: 1007 }],
  [25,   { name: 'text',        kind: 'text',    arrayId: 1009 }],
  [26,   { name: 'oid',         kind: 'number',  arrayId: 1028 }],
  [19,   { name: 'name',        kind: 'text',    arrayId: 1003 }],
  [114,  { name: 'json',        kind: 'json',    arrayId: 199 }],
  [700,  { name: 'float4',      kind: 'number',  arrayId: 1021 }],
  [701,  { name: 'float8',      kind: 'number',  arrayId: 1022 }],
  [1042, { name: 'bpchar',      kind: 'text',    arrayId: 1014 }],
  [1043, { name: 'varchar',     kind: 'text',    arrayId: 1015 }],
  [1082, { name: 'date',        kind: 'text',    arrayId: 1182 }],
  [1083, { name: 'time',        kind: 'text',    arrayId: 1183 }],
  [1114, { name: 'timestamp',   kind: 'time',    arrayId: 1115 }],
  [1184, { name: 'timestamptz', kind: 'time',    arrayId: 1185 }],
  [1186, { name: 'interval',    kind: 'text',    arrayId: 1187 }],
  [1700, { name: 'numeric',     kind: 'exact',   arrayId: 1231 }],
  [2950, { name: 'uuid',        kind: 'text',    arrayId: 2951 }],
  [3802, { name: 'jsonb',       kind: 'json',    arrayId: 3807 }],
] as const)
const ARRAYS: ReadonlyMap<number, Type> = new Map([...TYPES.values()].map((type) => [type.arrayId, type]))

/** The name of a type by its object id; the id itself for types that are not built in. */
export function typeName(id: number): string {
  const element = ARRAYS.get(id)
  return TYPES.get(id)?.name ?? (element === undefined ? String(id) : `${element.name}[]`)
}

/**
 * A value's JSON text, from the text that the server sent of it. Never throws: what does not look as its type says (a guest
 * can change how its connection writes dates, and the server may be a tenant's own) is passed on as a string.
 */
export function valueJson(text: string | null, typeId: number): string {
  if (text === null) return 'null'
  const element = ARRAYS.get(typeId)
  if (element !== undefined) {
    const array = parseArrayText(text)
    return array === undefined ? JSON.stringify(text) : arrayJson(array, element.kind)
  }
  return scalarJson(text, TYPES.get(typeId)?.kind ?? 'text')
}

function arrayJson(array: ArrayText, kind: Kind): string {
  const texts = array.map((value) => {
    if (value === null) return 'null'
    return typeof value === 'string' ? scalarJson(value, kind) : arrayJson(value, kind)
  })
  return `[${texts.join(',')}]`
}

function scalarJson(text: string, kind: Kind): string {
  switch (kind) {
    case 'boolean':
      return text === 't' ? 'true' : text === 'f' ? 'false' : JSON.stringify(text)
    case 'number':
      return numberJson(text)
    case 'json':
      return isJson(text) ? text : JSON.stringify(text)
    case 'bytes':
      return JSON.stringify(
        /^\\x(?:[0-9a-f]{2})*$/.test(text) ? Buffer.from(text.slice(2), 'hex').toString('base64') : text,
      )
    case 'time':
      return JSON.stringify(isoTime(text))
    case 'exact':
    case 'text':
      return JSON.stringify(text)
  }
}

/** JSON has no NaN and no infinities: they stay the words that they are. */
function numberJson(text: string): string {
  const value = Number(text)
  return Number.isFinite(value) && text.trim() !== '' ? JSON.stringify(value) : JSON.stringify(text)
}

/** What stands in the answer as it is must be JSON, whatever kind of server says that it is. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const TIME = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:([+-]\d\d)(:\d\d)?(:\d\d)?)?$/

/** ISO 8601 with all digits that there are; `infinity` and years before Christ stay as they are. */
function isoTime(text: string): string {
  const [, date, time, hours, minutes = ':00', seconds = ''] = TIME.exec(text) ?? []
  if (date === undefined || time === undefined) return text
  const zone = hours === undefined ? '' : hours === '+00' && minutes === ':00' ? 'Z' : `${hours}${minutes}${seconds}`
  return `${date}T${time}${zone}`
}
