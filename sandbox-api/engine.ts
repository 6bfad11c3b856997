import type { GuestEngine } from './bridge.ts'
import type { Clock } from './clock.ts'
import { forbidCodeGeneration } from './code-generation.ts'
import { withholdSharedMemory } from './shared-memory.ts'
import { withholdTemporal } from './temporal.ts'

/** Makes the realm what the policy's `engine` says. Comes once, before any guest code: it takes the language as V8 made it. */
export function applyEngine(global: object, engine: GuestEngine, clock: Clock): void {
  if (!engine.wasm) delete (global as { WebAssembly?: unknown }).WebAssembly
  if (!engine.sharedMemory) withholdSharedMemory(global)
  if (!engine.temporal) withholdTemporal(global)
  if (engine.clock === 'frozen') clock.freeze(global, engine.temporal)
  if (!engine.eval) forbidCodeGeneration(global)
}
