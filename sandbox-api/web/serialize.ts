import { BUILTINS, refusal } from './clone-builtins.ts'
import { cloneView } from './clone-views.ts'
import { clonerOf, isPlatformPrototype } from './clone-registry.ts'
import { readError } from './clone-errors.ts'

/** An object that has been read. One source object is one record, so that cycles and doubles come out as they went in. */
export class Serialized {
  /** Makes the object, without what it holds. */
  create: () => object = createPlain
  /** Puts in what it holds. */
  fill: ((made: object) => void) | undefined
  #made: object | undefined

  /** The new object. Made when it is first asked for. */
  make(): object {
    if (this.#made !== undefined) return this.#made
    this.#made = this.create()
    this.fill?.(this.#made)
    return this.#made
  }
}

function createPlain(): object {
  return {}
}

/** Objects that have been read, or that are to be moved, by the original. */
export type Memory = Map<object, Serialized>

const { entries: entriesOf } = Map.prototype
const { values: valuesOf } = Set.prototype
const { apply } = Reflect
const { getPrototypeOf, hasOwn, keys: keysOf, prototype: PLAIN } = Object

/** HTML, "StructuredSerializeInternal". Gives a primitive as it is. Throws a DataCloneError for what cannot be cloned. */
export function serialize(value: unknown, memory: Memory): unknown {
  if (typeof value === 'symbol') throw refusal(String(value))
  if (typeof value === 'function') throw refusal(`the function ${String(value.name)}`)
  if (typeof value !== 'object' || value === null) return value
  const known = memory.get(value)
  if (known !== undefined) return known
  const record = new Serialized()
  if (!readWhole(value, record, memory)) {
    memory.set(value, record)
    readMembers(value, record, memory)
  }
  memory.set(value, record)
  return record
}

/** HTML, "StructuredDeserialize". */
export function deserialize(serialized: unknown): unknown {
  return serialized instanceof Serialized ? serialized.make() : serialized
}

/** Reads an object that holds no others, but for a view its buffer. Returns whether it is one. */
function readWhole(value: object, record: Serialized, memory: Memory): boolean {
  if (ArrayBuffer.isView(value)) {
    const view = cloneView(value)
    const buffer = serialize(view.buffer, memory)
    record.create = () => view.make(deserialize(buffer) as ArrayBuffer)
    return true
  }
  if (Array.isArray(value)) return false
  for (let prototype = getPrototypeOf(value) as object | null; prototype !== null && prototype !== PLAIN;) {
    const builtin = BUILTINS.get(prototype)
    const made = builtin === undefined ? undefined : tryReading(() => builtin(value))
    if (made !== undefined) {
      record.create = made
      return true
    }
    const cloner = clonerOf(prototype)
    if (cloner !== undefined) {
      record.create = cloner(value)
      return true
    }
    if (isPlatformPrototype(prototype)) throw refusal(Object.prototype.toString.call(value))
    prototype = getPrototypeOf(prototype) as object | null
  }
  return false
}

/** A TypeError says that the object is not what its prototype promises. */
function tryReading<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

function readMembers(value: object, record: Serialized, memory: Memory): void {
  if (Array.isArray(value)) {
    const { length } = value
    record.create = () => {
      const made: unknown[] = []
      made.length = length
      return made
    }
    readProperties(value, record, memory)
  } else if (Error.isError(value))
    Object.assign(
      record,
      readError(value, (held) => serialize(held, memory), deserialize),
    )
  else if (value instanceof Map && readMap(value, record, memory)) return
  else if (value instanceof Set && readSet(value, record, memory)) return
  else readProperties(value, record, memory)
}

function readMap(value: object, record: Serialized, memory: Memory): boolean {
  const iterator = tryReading(() => apply(entriesOf, value, []) as MapIterator<[unknown, unknown]>)
  if (iterator === undefined) return false
  // All are taken before the first is read, which may run the guest's code.
  const read = [...iterator].map(([key, held]) => [serialize(key, memory), serialize(held, memory)] as const)
  record.create = () => new Map()
  record.fill = (made) => {
    for (const [key, held] of read) (made as Map<unknown, unknown>).set(deserialize(key), deserialize(held))
  }
  return true
}

function readSet(value: object, record: Serialized, memory: Memory): boolean {
  const iterator = tryReading(() => apply(valuesOf, value, []) as SetIterator<unknown>)
  if (iterator === undefined) return false
  const read = [...iterator].map((held) => serialize(held, memory))
  record.create = () => new Set()
  record.fill = (made) => {
    for (const held of read) (made as Set<unknown>).add(deserialize(held))
  }
  return true
}

function readProperties(value: object, record: Serialized, memory: Memory): void {
  const keys: string[] = []
  const read: unknown[] = []
  for (const key of keysOf(value)) {
    // A getter of an earlier one may have taken it away.
    if (!hasOwn(value, key)) continue
    keys.push(key)
    read.push(serialize((value as Record<string, unknown>)[key], memory))
  }
  record.fill = (made) => {
    for (let index = 0; index < keys.length; index += 1) {
      setOwn(made as Record<string, unknown>, keys[index] as string, deserialize(read[index]))
    }
  }
}

/** Defines a property, which an assignment does as well, and sooner, if the prototypes have none of that name. */
function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key in object) {
    Object.defineProperty(object, key, { value, writable: true, configurable: true, enumerable: true })
  } else object[key] = value
}
