import { refusal } from './clone-builtins.ts'
import { moverOf } from './clone-registry.ts'
import { type Memory, Serialized, deserialize, serialize } from './serialize.ts'
import { needArguments, toDictionary, toSequence } from './webidl.ts'

const { getOwnPropertyDescriptor } = Object
const { apply } = Reflect
const { transfer: transferBuffer } = ArrayBuffer.prototype
const isDetached = getOwnPropertyDescriptor(ArrayBuffer.prototype, 'detached')?.get as () => boolean

/** A value on its way, and what moved with it, in the order of the transfer list. */
export interface Cloned {
  readonly value: unknown
  readonly moved: readonly object[]
}

/** HTML, "structuredClone". */
export function structuredClone(value: unknown, options: unknown = undefined): unknown {
  needArguments(arguments.length, 1, 'structuredClone')
  return cloneWithTransfer(value, toTransferList(options)).value
}

/** The `transfer` of an options object, as objects. */
export function toTransferList(options: unknown): readonly object[] {
  const { transfer } = toDictionary(options, 'the options')
  return transfer === undefined ? [] : toObjects(transfer)
}

export function toObjects(transfer: unknown): readonly object[] {
  const list = toSequence(transfer, 'the transfer list')
  for (const one of list) {
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null) {
      throw new TypeError('a transfer list holds objects only')
    }
  }
  return list as object[]
}

/**
 * HTML, "StructuredSerializeWithTransfer" and its counterpart in one. Either all is read and moved, or a DataCloneError is
 * thrown and nothing has changed.
 */
export function cloneWithTransfer(value: unknown, transfer: readonly object[]): Cloned {
  const memory: Memory = new Map()
  for (const object of transfer) {
    if (!isTransferable(object)) throw refusal('an object in the transfer list that is not transferable')
    if (memory.has(object)) throw refusal('an object that is twice in the transfer list')
    memory.set(object, new Serialized())
  }
  const serialized = serialize(value, memory)
  for (const object of transfer) checkMovable(object)
  const moved = transfer.map((object) => {
    const there = move(object)
    const record = memory.get(object)
    if (record !== undefined) record.create = () => there
    return there
  })
  return { value: deserialize(serialized), moved }
}

function isTransferable(object: object): boolean {
  return isBuffer(object) || moverOf(object) !== undefined
}

function isBuffer(object: object): boolean {
  try {
    apply(isDetached, object, [])
    return true
  } catch {
    return false
  }
}

function checkMovable(object: object): void {
  if (!isBuffer(object)) moverOf(object)?.check(object)
  else if (apply(isDetached, object, []) as boolean) throw refusal('a buffer that has been transferred already')
}

function move(object: object): object {
  return isBuffer(object)
    ? (apply(transferBuffer, object, []) as ArrayBuffer)
    : (moverOf(object)?.move(object) ?? object)
}
