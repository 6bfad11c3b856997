import type { GuestEngine } from './bridge.ts'
import type { Clock } from './clock.ts'
import { forbidCodeGeneration } from './code-generation.ts'
import { defineLazy } from './lazy.ts'
import { type WebAssemblyParts, withholdSharedMemory } from './shared-memory.ts'
import { withholdTemporal } from './temporal.ts'
import { makeAsyncWork } from './webassembly.ts'

/** Makes the realm what the policy's `engine` says. Comes once, before any guest code: it takes the language as V8 made it. */
export function applyEngine(global: object, engine: GuestEngine, clock: Clock): void {
  if (!engine.wasm) delete (global as { WebAssembly?: unknown }).WebAssembly
  const guard = engine.sharedMemory ? undefined : withholdSharedMemory(global)
  installWebAssembly(global, guard)
  if (!engine.temporal) withholdTemporal(global)
  if (engine.clock === 'frozen') clock.freeze(global, engine.temporal)
  if (!engine.eval) forbidCodeGeneration(global)
}

/** Everything of WebAssembly is had through this property, so nobody has touched the native one before. */
function installWebAssembly(global: object, guard: ((wasm: WebAssemblyParts) => void) | undefined): void {
  const native = (global as { WebAssembly?: WebAssemblyParts }).WebAssembly
  if (native === undefined) return
  defineLazy(global, 'WebAssembly', () => {
    guard?.(native)
    makeAsyncWork(native)
    return native
  })
}
