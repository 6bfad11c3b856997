import { NativeFault } from './fault.ts'

const MISSING = 0xfffd
const LINE_FEED = 0x0a

const PRIVATE = /[\uE000-\uF8FF]/g

/** Bytes of one pointer into an index; undefined where the encoding has none. */
type BytesOf = (pointer: number) => readonly number[] | undefined

interface Source {
  /** The label under which ICU knows it. */
  readonly label: string
  readonly length: number
  readonly bytesOf: BytesOf
  /** What ICU has and the standard has not. */
  readonly foreign?: RegExp
  /** Where the standard differs. */
  readonly corrected?: Readonly<Record<number, string>>
}

/** Indexes of the Encoding Standard that more than one byte leads into, as ICU has them. */
const SOURCES: Readonly<Record<string, Source>> = {
  jis0208: {
    label: 'shift_jis',
    length: 11_280,
    // Rows of the private area are no part of the index: the decoder computes them.
    bytesOf: (pointer) => rowed(pointer, 188, 0x3f, [0x40, 0x41], (row) => row + (row < 0x1f ? 0x81 : 0xc1)),
    foreign: PRIVATE,
  },
  jis0212: {
    label: 'euc-jp',
    length: 7_211,
    bytesOf: (pointer) => [0x8f, Math.floor(pointer / 94) + 0xa1, (pointer % 94) + 0xa1],
  },
  // ICU has KS X 1001 alone: `withSyllables` adds the rest.
  'euc-kr': {
    label: 'euc-kr',
    length: 23_940,
    bytesOf: (pointer) => {
      const trail = (pointer % 190) + 0x41
      const lead = Math.floor(pointer / 190) + 0x81
      return lead < 0xa1 || trail < 0xa1 ? undefined : [lead, trail]
    },
    foreign: PRIVATE,
    corrected: { 6_435: '€', 6_436: '®' },
  },
  big5: {
    label: 'big5',
    length: 19_782,
    bytesOf: (pointer) => rowed(pointer, 157, 0x3f, [0x40, 0x62], (row) => row + 0x81),
    foreign: PRIVATE,
    corrected: { 18_996: '\uFFED' },
  },
  gb18030: {
    label: 'gb18030',
    length: 23_940,
    bytesOf: (pointer) => rowed(pointer, 190, 0x3f, [0x40, 0x41], (row) => row + 0x81),
  },
  'gb18030-ranges': {
    label: 'gb18030',
    length: 39_420,
    bytesOf: (pointer) => [
      Math.floor(pointer / 12_600) + 0x81,
      (Math.floor(pointer / 1_260) % 10) + 0x30,
      (Math.floor(pointer / 10) % 126) + 0x81,
      (pointer % 10) + 0x30,
    ],
  },
}

const SINGLE_BYTE = /^(ibm866|iso-8859-(\d\d?|8-i)|koi8-[ru]|macintosh|windows-(874|125\d)|x-mac-cyrillic)$/

const made = new Map<string, string>()

/**
 * An index of the Encoding Standard, one UTF-16 unit a pointer and U+FFFD where there is none. Takes about 3 ms, once a
 * process and index.
 */
export function indexOf(name: string): string {
  let index = made.get(name)
  if (index === undefined) {
    if (name === 'euc-kr') index = withSyllables(read(SOURCES[name] as Source))
    else if (Object.hasOwn(SOURCES, name)) index = read(SOURCES[name] as Source)
    else if (SINGLE_BYTE.test(name)) index = read({ label: name, length: 128, bytesOf: (pointer) => [pointer + 128] })
    else throw new NativeFault('RangeError', 'there is no such index')
    made.set(name, index)
  }
  return index
}

function rowed(
  pointer: number,
  rowLength: number,
  gapAt: number,
  [low, high]: readonly [number, number],
  leadOf: (row: number) => number,
): readonly number[] {
  const column = pointer % rowLength
  return [leadOf(Math.floor(pointer / rowLength)), column + (column < gapAt ? low : high)]
}

/** Decodes every pointer's bytes in one go, a line feed after each, which no encoding takes into a character. */
function read({ label, length, bytesOf, foreign, corrected = {} }: Source): string {
  const sequence = new Uint8Array(5 * length)
  let end = 0
  for (let pointer = 0; pointer < length; pointer += 1) {
    for (const byte of bytesOf(pointer) ?? []) sequence[end++] = byte
    sequence[end++] = LINE_FEED
  }
  const text = new TextDecoder(label).decode(sequence.subarray(0, end))
  const units = new Uint16Array(length).fill(MISSING)
  let at = 0
  for (let pointer = 0; pointer < length; pointer += 1) {
    const from = at
    while (text.charCodeAt(at) !== LINE_FEED) at += 1
    if (at - from === 1) units[pointer] = text.charCodeAt(from)
    at += 1
  }
  for (const [pointer, unit] of Object.entries(corrected)) units[Number(pointer)] = unit.charCodeAt(0)
  const index = Buffer.from(units.buffer).toString('utf16le')
  return foreign === undefined ? index : index.replace(foreign, '\uFFFD')
}

/** The Korean syllables that KS X 1001 has not, which the standard puts, in order, where no byte of a pair is KS X 1001's. */
function withSyllables(index: string): string {
  const known = new Set(index)
  const units = [...index]
  let next = 0xac00
  for (let pointer = 0; pointer < units.length; pointer += 1) {
    const trail = (pointer % 190) + 0x41
    const lead = Math.floor(pointer / 190) + 0x81
    const inLetters = trail <= 0x5a || (trail >= 0x61 && trail <= 0x7a) || trail >= 0x81
    if (!inLetters || (lead >= 0xa1 && trail >= 0xa1)) continue
    while (known.has(String.fromCharCode(next))) next += 1
    if (next > 0xd7a3) break
    units[pointer] = String.fromCharCode(next)
    next += 1
  }
  return units.join('')
}
