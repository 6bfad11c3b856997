const { isView } = ArrayBuffer
const { getOwnPropertyDescriptor, getPrototypeOf } = Object
const { apply } = Reflect

type Getter<Value> = (this: unknown) => Value

function getterOf<Value>(prototype: object, name: string): Getter<Value> {
  return getOwnPropertyDescriptor(prototype, name)?.get as Getter<Value>
}

const typedArrayPrototype = getPrototypeOf(Uint8Array.prototype) as object
const bufferLength = getterOf<number>(ArrayBuffer.prototype, 'byteLength')
/** Absent where the policy grants no shared memory. */
const sharedLength =
  typeof SharedArrayBuffer === 'function' ? getterOf<number>(SharedArrayBuffer.prototype, 'byteLength') : undefined

const ofArray = {
  tag: getterOf<string | undefined>(typedArrayPrototype, Symbol.toStringTag as unknown as string),
  buffer: getterOf<ArrayBufferLike>(typedArrayPrototype, 'buffer'),
  byteOffset: getterOf<number>(typedArrayPrototype, 'byteOffset'),
  byteLength: getterOf<number>(typedArrayPrototype, 'byteLength'),
}
const ofDataView = {
  buffer: getterOf<ArrayBufferLike>(DataView.prototype, 'buffer'),
  byteOffset: getterOf<number>(DataView.prototype, 'byteOffset'),
  byteLength: getterOf<number>(DataView.prototype, 'byteLength'),
}

/**
 * The bytes of a buffer or a view, where they lie: a copy is the caller's to make. None if the buffer is detached or has
 * become too short for the view. Throws TypeError for anything else.
 */
export function viewBytes(source: unknown, name: string): Uint8Array {
  if (isView(source)) {
    const of = apply(ofArray.tag, source, []) === undefined ? ofDataView : ofArray
    try {
      const length = apply(of.byteLength, source, [])
      return new Uint8Array(apply(of.buffer, source, []), apply(of.byteOffset, source, []), length)
    } catch {
      return new Uint8Array(0)
    }
  }
  const length = lengthOf(bufferLength, source) ?? (sharedLength && lengthOf(sharedLength, source))
  if (length === undefined) throw new TypeError(`${name} must be an ArrayBuffer or a view of one`)
  return length === 0 ? new Uint8Array(0) : new Uint8Array(source as ArrayBufferLike, 0, length)
}

function lengthOf(getter: Getter<number>, source: unknown): number | undefined {
  try {
    return apply(getter, source, [])
  } catch {
    return undefined
  }
}
