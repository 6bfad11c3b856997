import type { Architecture } from '../../src/kernel/architecture.ts'
import { INSTRUCTION_BYTES, VERDICT } from '../../src/kernel/bpf.ts'

/** A system call as a filter sees it. */
export interface Call {
  readonly number: number
  readonly audit: number
  readonly args: readonly bigint[]
}

/** Runs a filter's bytes as the kernel does; throws where the kernel would refuse the program. */
export function judge(filter: Buffer, { number, audit, args }: Call): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(audit >>> 0, 4)
  for (const [index, arg] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, arg), 16 + index * 8)
  let accumulator = 0
  for (let at = 0; at < filter.length / INSTRUCTION_BYTES; at += 1) {
    const base = at * INSTRUCTION_BYTES
    const [code, yes, no] = [filter.readUInt16LE(base), filter.readUInt8(base + 2), filter.readUInt8(base + 3)]
    const operand = filter.readUInt32LE(base + 4)
    if (code === 0x20) accumulator = data.readUInt32LE(operand)
    else if (code === 0x15) at += accumulator === operand ? yes : no
    else if (code === 0x35) at += accumulator >= operand ? yes : no
    else if (code === 0x45) at += (accumulator & operand) === 0 ? no : yes
    else if (code === 0x06) return operand
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('the program ends without an answer')
}

/** The answer in words. */
export function verdictOf(
  filter: Buffer,
  { audit }: Architecture,
  number: number,
  args: readonly (bigint | number)[] = [],
): 'allowed' | 'killed' | number {
  const answer = judge(filter, { number, audit, args: args.map(BigInt) })
  if (answer === VERDICT.allow) return 'allowed'
  return answer >>> 0 === VERDICT.killProcess ? 'killed' : answer & 0xffff
}
