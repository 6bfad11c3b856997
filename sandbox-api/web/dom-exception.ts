import { registerClone } from './clone-registry.ts'

/** Names of the Web IDL standard that have a number of old. */
const CODES = {
  IndexSizeError: 1,
  HierarchyRequestError: 3,
  WrongDocumentError: 4,
  InvalidCharacterError: 5,
  NoModificationAllowedError: 7,
  NotFoundError: 8,
  NotSupportedError: 9,
  InUseAttributeError: 10,
  InvalidStateError: 11,
  SyntaxError: 12,
  InvalidModificationError: 13,
  NamespaceError: 14,
  InvalidAccessError: 15,
  TypeMismatchError: 17,
  SecurityError: 18,
  NetworkError: 19,
  AbortError: 20,
  URLMismatchError: 21,
  QuotaExceededError: 22,
  TimeoutError: 23,
  InvalidNodeTypeError: 24,
  DataCloneError: 25,
} as const

const CONSTANTS = [
  ['INDEX_SIZE_ERR', 1],
  ['DOMSTRING_SIZE_ERR', 2],
  ['HIERARCHY_REQUEST_ERR', 3],
  ['WRONG_DOCUMENT_ERR', 4],
  ['INVALID_CHARACTER_ERR', 5],
  ['NO_DATA_ALLOWED_ERR', 6],
  ['NO_MODIFICATION_ALLOWED_ERR', 7],
  ['NOT_FOUND_ERR', 8],
  ['NOT_SUPPORTED_ERR', 9],
  ['INUSE_ATTRIBUTE_ERR', 10],
  ['INVALID_STATE_ERR', 11],
  ['SYNTAX_ERR', 12],
  ['INVALID_MODIFICATION_ERR', 13],
  ['NAMESPACE_ERR', 14],
  ['INVALID_ACCESS_ERR', 15],
  ['VALIDATION_ERR', 16],
  ['TYPE_MISMATCH_ERR', 17],
  ['SECURITY_ERR', 18],
  ['NETWORK_ERR', 19],
  ['ABORT_ERR', 20],
  ['URL_MISMATCH_ERR', 21],
  ['QUOTA_EXCEEDED_ERR', 22],
  ['TIMEOUT_ERR', 23],
  ['INVALID_NODE_TYPE_ERR', 24],
  ['DATA_CLONE_ERR', 25],
] as const

interface Parts {
  readonly name: string
  readonly message: string
}

// Not private names: an error is an instance of this class by its prototype, made by `Error` so that it has a stack.
const parts = new WeakMap<object, Parts>()

function partsOf(value: object): Parts {
  const found = parts.get(value)
  if (found === undefined) throw new TypeError('Illegal invocation')
  return found
}

/** The web's own error: Web IDL, "DOMException". Its class does not inherit from Error's, though its prototype does. */
export class DOMException {
  declare readonly name: string
  declare readonly message: string
  declare readonly stack: string

  constructor(message: unknown = '', name: unknown = 'Error') {
    const given = { message: `${message as string}`, name: `${name as string}` }
    const error = Reflect.construct(Error, [], new.target) as DOMException
    // `Error` has made none of these its own: they are read through the accessors below.
    parts.set(error, given)
    const { stack } = error
    const heading = `${given.name}: ${given.message}`
    setStack(error, typeof stack === 'string' ? stack.replace(/^[^\n]*/, () => heading) : heading)
    return error
  }

  get code(): number {
    const { name } = partsOf(this)
    return Object.hasOwn(CODES, name) ? CODES[name as keyof typeof CODES] : 0
  }
}

Object.setPrototypeOf(DOMException.prototype, Error.prototype)
define('name', (error) => partsOf(error).name)
define('message', (error) => partsOf(error).message)
Object.defineProperty(DOMException.prototype, 'code', { enumerable: true })
Object.defineProperty(DOMException.prototype, Symbol.toStringTag, { value: 'DOMException', configurable: true })
for (const [constant, value] of CONSTANTS) {
  for (const place of [DOMException, DOMException.prototype]) {
    Object.defineProperty(place, constant, { value, enumerable: true })
  }
}

registerClone(DOMException, (error) => {
  const { name, message } = partsOf(error)
  const { stack } = error
  return () => {
    const made = new DOMException(message, name)
    if (typeof stack === 'string') setStack(made, stack)
    return made
  }
})

function setStack(error: object, stack: string): void {
  Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true, enumerable: false })
}

/** Accessors by the names of Error's own properties, which a class body could not declare. */
function define(property: 'name' | 'message', read: (error: object) => string): void {
  const accessor = {
    get [property](): string {
      return read(this)
    },
  }
  const descriptor = Object.getOwnPropertyDescriptor(accessor, property)
  if (descriptor !== undefined) Object.defineProperty(DOMException.prototype, property, descriptor)
}
