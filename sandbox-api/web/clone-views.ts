import { refusal } from './clone-builtins.ts'

interface View {
  readonly buffer: object
  /** The same view of another buffer. */
  make(buffer: ArrayBuffer): object
}

type ViewClass = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView

const { apply } = Reflect
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const VIEWS = new Map<string, ViewClass>()
for (const Class of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array]) {
  VIEWS.set(Class.name, Class as ViewClass)
}
for (const Class of [Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) {
  VIEWS.set(Class.name, Class as ViewClass)
}

const typed = getPrototypeOf(Uint8Array.prototype) as object
const tagOf = getterOf(typed, Symbol.toStringTag)
const isResizable = getterOf(ArrayBuffer.prototype, 'resizable')
const bufferLengthOf = getterOf(ArrayBuffer.prototype, 'byteLength')

function getterOf(prototype: object, name: string | symbol): (object: object) => unknown {
  const get = getOwnPropertyDescriptor(prototype, name)?.get as () => unknown
  return (object) => apply(get, object, [])
}

/** Reads a typed array or a DataView for a clone, whatever its own properties say. */
export function cloneView(view: ArrayBufferView): View {
  const tag = tagOf(view) as string | undefined
  const Class = tag === undefined ? (DataView as ViewClass) : VIEWS.get(tag)
  if (Class === undefined) throw refusal(`a ${tag}`)
  const prototype = tag === undefined ? DataView.prototype : typed
  const buffer = getterOf(prototype, 'buffer')(view) as ArrayBuffer
  const { offset, bytes } = extent(prototype, view)
  const elements = tag === undefined ? bytes : (getterOf(typed, 'length')(view) as number)
  if (isTracking(buffer, offset + bytes, Class)) return { buffer, make: (into) => new Class(into, offset) }
  return { buffer, make: (into) => new Class(into, offset, elements) }
}

/** A DataView that is out of its buffer's bounds throws; a typed array says that it is empty. */
function extent(prototype: object, view: ArrayBufferView): { offset: number; bytes: number } {
  try {
    const offset = getterOf(prototype, 'byteOffset')(view) as number
    return { offset, bytes: getterOf(prototype, 'byteLength')(view) as number }
  } catch {
    throw refusal('a view that is out of the bounds of its buffer')
  }
}

/** Whether a view grows with its buffer. The language does not tell: one that ends where a resizable buffer does, is taken for one. */
function isTracking(buffer: ArrayBuffer, end: number, Class: ViewClass): boolean {
  if (!(buffer instanceof ArrayBuffer) || isResizable(buffer) !== true) return false
  const { BYTES_PER_ELEMENT = 1 } = Class as { BYTES_PER_ELEMENT?: number }
  return (bufferLengthOf(buffer) as number) - end < BYTES_PER_ELEMENT
}
