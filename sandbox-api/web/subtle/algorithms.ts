/**
 * The algorithms of the Web Cryptography API, as data for both sides of the boundary: the guest's half reads what the guest
 * gave by it, the cell's half checks what came across by it.
 */

/** What a parameter is. `?` marks one that may be absent. */
export type Kind = 'bytes' | 'exponent' | 'hash' | 'key' | 'long' | 'octet' | 'short' | 'text'

/** Parameters by name, in the order in which Web IDL reads them: those of a parent dictionary first, each by its letters. */
export type Shape = Readonly<Record<string, Kind | `${Kind}?`>>

export type AlgorithmOperation =
  | 'decrypt'
  | 'deriveBits'
  | 'digest'
  | 'encrypt'
  | 'generateKey'
  | 'get key length'
  | 'importKey'
  | 'sign'
  | 'unwrapKey'
  | 'verify'
  | 'wrapKey'

export type Shapes = Readonly<Record<string, Shape>>

const NONE: Shape = {}
const HASHED: Shape = { hash: 'hash' }
const CURVE: Shape = { namedCurve: 'text' }
const AES_LENGTH: Shape = { length: 'short' }
const HMAC: Shape = { hash: 'hash', length: 'long?' }
const RSA_PAIR: Shape = { modulusLength: 'long', publicExponent: 'exponent', hash: 'hash' }
const CONTEXT: Shape = { context: 'bytes?' }
const PUBLIC: Shape = { public: 'key' }

const CIPHERS: Shapes = {
  'AES-CBC': { iv: 'bytes' },
  'AES-CTR': { counter: 'bytes', length: 'octet' },
  'AES-GCM': { additionalData: 'bytes?', iv: 'bytes', tagLength: 'octet?' },
  'RSA-OAEP': { label: 'bytes?' },
}

const SIGNATURES: Shapes = {
  ECDSA: HASHED,
  Ed25519: NONE,
  Ed448: CONTEXT,
  HMAC: NONE,
  'RSA-PSS': { saltLength: 'long' },
  'RSASSA-PKCS1-v1_5': NONE,
}

const WRAPPERS: Shapes = { 'AES-KW': NONE }

export const HASHES = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'] as const

export type HashName = (typeof HASHES)[number]

export const SHAPES: Readonly<Record<AlgorithmOperation, Shapes>> = {
  encrypt: CIPHERS,
  decrypt: CIPHERS,
  sign: SIGNATURES,
  verify: SIGNATURES,
  digest: { 'SHA-1': NONE, 'SHA-256': NONE, 'SHA-384': NONE, 'SHA-512': NONE },
  deriveBits: {
    ECDH: PUBLIC,
    HKDF: { hash: 'hash', info: 'bytes', salt: 'bytes' },
    PBKDF2: { hash: 'hash', iterations: 'long', salt: 'bytes' },
    X25519: PUBLIC,
    X448: PUBLIC,
  },
  generateKey: {
    'AES-CBC': AES_LENGTH,
    'AES-CTR': AES_LENGTH,
    'AES-GCM': AES_LENGTH,
    'AES-KW': AES_LENGTH,
    ECDH: CURVE,
    ECDSA: CURVE,
    Ed25519: NONE,
    Ed448: NONE,
    HMAC,
    'RSA-OAEP': RSA_PAIR,
    'RSA-PSS': RSA_PAIR,
    'RSASSA-PKCS1-v1_5': RSA_PAIR,
    X25519: NONE,
    X448: NONE,
  },
  importKey: {
    'AES-CBC': NONE,
    'AES-CTR': NONE,
    'AES-GCM': NONE,
    'AES-KW': NONE,
    ECDH: CURVE,
    ECDSA: CURVE,
    Ed25519: NONE,
    Ed448: NONE,
    HKDF: NONE,
    HMAC,
    PBKDF2: NONE,
    'RSA-OAEP': HASHED,
    'RSA-PSS': HASHED,
    'RSASSA-PKCS1-v1_5': HASHED,
    X25519: NONE,
    X448: NONE,
  },
  'get key length': {
    'AES-CBC': AES_LENGTH,
    'AES-CTR': AES_LENGTH,
    'AES-GCM': AES_LENGTH,
    'AES-KW': AES_LENGTH,
    HKDF: NONE,
    HMAC,
    PBKDF2: NONE,
  },
  wrapKey: WRAPPERS,
  unwrapKey: WRAPPERS,
}

export const FORMATS = ['raw', 'spki', 'pkcs8', 'jwk'] as const

export type KeyFormat = (typeof FORMATS)[number]

export const USAGES = [
  'encrypt',
  'decrypt',
  'sign',
  'verify',
  'deriveKey',
  'deriveBits',
  'wrapKey',
  'unwrapKey',
] as const

export type KeyUsage = (typeof USAGES)[number]

/** Digests and signatures by hash of up to this much are made at once, in less time than a turn of the thread pool takes. */
export const QUICK_BYTES_MAX = 32_768
