/**
 * Classic BPF, the machine that runs seccomp filters: 8 bytes an instruction (u16 code, u8 jump if true, u8 jump if false,
 * u32 operand), little-endian on both architectures that have a filter. Sources: linux/bpf_common.h and linux/seccomp.h.
 */
export interface Instruction {
  readonly code: number
  readonly yes: number
  readonly no: number
  readonly operand: number
}

export const INSTRUCTION_BYTES = 8

const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_ANY_BIT = 0x45
const JUMP_GREATER_OR_EQUAL = 0x35
const RETURN = 0x06

/** Where the words of `struct seccomp_data` are. */
const NUMBER_OFFSET = 0
const ARCHITECTURE_OFFSET = 4
const ARGUMENTS_OFFSET = 16

/** What a filter says of a call. Errors are given to the caller as if the kernel had refused. */
export const VERDICT = {
  allow: 0x7fff_0000,
  killProcess: 0x8000_0000,
  error: (errno: number): number => 0x0005_0000 | errno,
} as const

export const EPERM = 1
export const ENOSYS = 38

export const load = (operand: number): Instruction => ({ code: LOAD_WORD, yes: 0, no: 0, operand })
export const loadNumber = (): Instruction => load(NUMBER_OFFSET)
export const loadArchitecture = (): Instruction => load(ARCHITECTURE_OFFSET)
/** The lower or upper half of an argument. */
export const loadArgument = (index: number, half: 'low' | 'high' = 'low'): Instruction =>
  load(ARGUMENTS_OFFSET + index * 8 + (half === 'low' ? 0 : 4))
export const ifEqual = (operand: number, yes: number, no: number): Instruction => ({
  code: JUMP_EQUAL,
  yes,
  no,
  operand: operand >>> 0,
})
export const ifAnyBit = (operand: number, yes: number, no: number): Instruction => ({
  code: JUMP_ANY_BIT,
  yes,
  no,
  operand: operand >>> 0,
})
export const ifAtLeast = (operand: number, yes: number, no: number): Instruction => ({
  code: JUMP_GREATER_OR_EQUAL,
  yes,
  no,
  operand: operand >>> 0,
})
export const answer = (operand: number): Instruction => ({ code: RETURN, yes: 0, no: 0, operand: operand >>> 0 })

/** The bytes that the kernel (and bubblewrap) take. Throws if a program is longer than the kernel accepts. */
export function encodeProgram(program: readonly Instruction[]): Buffer {
  if (program.length > PROGRAM_MAX) throw new RangeError(`a filter of ${program.length} instructions is too long`)
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES)
  for (const [index, { code, yes, no, operand }] of program.entries()) {
    const at = index * INSTRUCTION_BYTES
    bytes.writeUInt16LE(code, at)
    bytes.writeUInt8(yes, at + 2)
    bytes.writeUInt8(no, at + 3)
    bytes.writeUInt32LE(operand, at + 4)
  }
  return bytes
}

/** BPF_MAXINSNS of linux/bpf_common.h. */
const PROGRAM_MAX = 4_096
