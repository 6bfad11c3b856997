import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

/** What argon2id is to do: its memory in KiB, its passes. */
export interface HashCost {
  readonly memory: number
  readonly passes: number
}

/** Makes one hash, off the main thread. */
export type MakeHash = (password: string, salt: Buffer, cost: HashCost) => Promise<Buffer>

/** What OWASP asks for: 19 MiB, two passes, one lane. */
export const HASH_COST: HashCost = { memory: 19_456, passes: 2 }
const SALT_BYTES = 16
const HASH_BYTES = 32

export const makeHash: MakeHash = (password, salt, { memory, passes }) =>
  new Promise((resolve, reject) => {
    const parameters = { message: password, nonce: salt, parallelism: 1, tagLength: HASH_BYTES, memory, passes }
    argon2('argon2id', parameters, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  })

/** A PHC string with a new salt. */
export async function hashPassword(make: MakeHash, password: string, cost: HashCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await make(password, salt, cost)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=1$${unpadded(salt)}$${unpadded(hash)}`
}

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** Whether it is the password. Without a hash to compare with it is not, after just as much work at `cost`. */
export async function verifyPassword(
  make: MakeHash,
  password: string,
  stored: string | undefined,
  cost: HashCost,
): Promise<boolean> {
  const [, memory, passes, salt, expected] = PHC.exec(stored ?? '') ?? []
  if (salt === undefined || expected === undefined) {
    await make(password, Buffer.alloc(SALT_BYTES), cost)
    return false
  }
  const own = { memory: Number(memory), passes: Number(passes) }
  const hash = await make(password, Buffer.from(salt, 'base64'), own)
  const wanted = Buffer.from(expected, 'base64')
  return hash.length === wanted.length && timingSafeEqual(hash, wanted)
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
