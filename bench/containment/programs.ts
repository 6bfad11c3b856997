import type { Program } from './program.ts'
import { BOUNDARY } from './programs/boundary.ts'
import { CLOCK } from './programs/clock.ts'
import { CONTROL } from './programs/control.ts'
import { CRASH } from './programs/crash.ts'
import { LEAK } from './programs/leak.ts'
import { MEMORY } from './programs/memory.ts'
import { TIME } from './programs/time.ts'

/** Every program of the comparison, class by class. */
export const PROGRAMS: readonly Program[] = [...TIME, ...MEMORY, ...CRASH, ...BOUNDARY, ...LEAK, ...CLOCK, ...CONTROL]

/** Runs before and after each program, as another customer: the host must answer it with `EVERYDAY_ANSWER`. */
export const EVERYDAY = 'return input.n * 2'
export const EVERYDAY_ANSWER = '42'

/** Says which features an engine has. */
export const FEATURES = `const compiles = () => {
  try { return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) instanceof WebAssembly.Module } catch { return false }
}
return [
  compiles() && 'WebAssembly code',
  globalThis.WebAssembly && 'WebAssembly', globalThis.SharedArrayBuffer && 'SharedArrayBuffer', globalThis.Intl && 'Intl',
  globalThis.Float16Array && 'Float16Array', ArrayBuffer.prototype.resize && 'ResizableArrayBuffer',
].filter(Boolean)`
