import { type Blob, isBlob } from './blob.ts'
import { File } from './file.ts'
import { definePairIterable } from './pair-iterable.ts'
import { finishInterface, needArguments, toUSVString } from './webidl.ts'

export type FormEntry = readonly [name: string, value: string | File]

let hasEntries: (value: object) => boolean
let entriesIn: (form: FormData) => readonly FormEntry[]
let setEntries: (form: FormData, entries: FormEntry[]) => FormData

/** XMLHttpRequest, "FormData", without the forms of documents. */
export class FormData {
  #entries: FormEntry[] = []

  static {
    entriesIn = (form) => form.#entries
    setEntries = (form, entries) => {
      form.#entries = entries
      return form
    }
    hasEntries = (value) => #entries in value
  }

  constructor(form: unknown = undefined) {
    if (form !== undefined) throw new TypeError('there are no forms of documents here')
  }

  append(name: unknown, value: unknown, filename: unknown = undefined): void {
    const entries = this.#entries
    entries.push(toEntry('append', arguments.length, name, value, filename))
  }

  delete(name: unknown): void {
    const entries = this.#entries
    needArguments(arguments.length, 1, 'delete')
    const key = toUSVString(name)
    this.#entries = entries.filter((entry) => entry[0] !== key)
  }

  get(name: unknown): string | File | null {
    const entries = this.#entries
    needArguments(arguments.length, 1, 'get')
    const key = toUSVString(name)
    return entries.find((entry) => entry[0] === key)?.[1] ?? null
  }

  getAll(name: unknown): (string | File)[] {
    const entries = this.#entries
    needArguments(arguments.length, 1, 'getAll')
    const key = toUSVString(name)
    return entries.filter((entry) => entry[0] === key).map((entry) => entry[1])
  }

  has(name: unknown): boolean {
    const entries = this.#entries
    needArguments(arguments.length, 1, 'has')
    const key = toUSVString(name)
    return entries.some((entry) => entry[0] === key)
  }

  set(name: unknown, value: unknown, filename: unknown = undefined): void {
    void this.#entries
    const entry = toEntry('set', arguments.length, name, value, filename)
    const first = this.#entries.findIndex((other) => other[0] === entry[0])
    if (first < 0) {
      this.#entries.push(entry)
      return
    }
    const kept = this.#entries.filter((other, index) => index <= first || other[0] !== entry[0])
    kept[first] = entry
    this.#entries = kept
  }
}

finishInterface(FormData, 'FormData')
definePairIterable(FormData, 'FormData', (object) => {
  if (!isFormData(object)) throw new TypeError('Illegal invocation')
  return entriesIn(object)
})

/** Whether a value is a form, whatever its prototype says. */
export function isFormData(value: unknown): value is FormData {
  return typeof value === 'object' && value !== null && hasEntries(value)
}

export function entriesOf(form: FormData): readonly FormEntry[] {
  return entriesIn(form)
}

export function createForm(entries: FormEntry[]): FormData {
  return setEntries(new FormData(), entries)
}

function toEntry(method: string, count: number, name: unknown, value: unknown, filename: unknown): FormEntry {
  needArguments(count, 2, method)
  const key = toUSVString(name)
  if (!isBlob(value)) {
    if (count > 2) throw new TypeError(`the value that ${method} gives a file name to must be a Blob`)
    return [key, toUSVString(value)]
  }
  return [key, toFile(value, filename === undefined ? undefined : toUSVString(filename))]
}

/** HTML, "create an entry": every Blob becomes a File. */
function toFile(value: Blob, filename: string | undefined): File {
  if (value instanceof File) {
    if (filename === undefined) return value
    return new File([value], filename, { type: value.type, lastModified: value.lastModified })
  }
  return new File([value], filename ?? 'blob', { type: value.type })
}
