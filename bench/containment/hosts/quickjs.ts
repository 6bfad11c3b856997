import { LIMITS } from '../program.ts'
import { type Ending, callOf, endBy, serveHost, textOf, valueEnding } from './host.ts'

/**
 * quickjs-emscripten as its README shows it: memory limit, stack limit, an interrupt handler with a deadline, promise jobs
 * run by the host. Each run has a WebAssembly module of its own, which the documentation offers for isolation.
 */
interface Handle {
  dispose(): void
}
interface Context {
  evalCode(code: string): { value?: Handle; error?: Handle }
  resolvePromise(handle: Handle): Promise<{ value?: Handle; error?: Handle }>
  dump(handle: Handle): unknown
  dispose(): void
}
interface Runtime {
  setMemoryLimit(bytes: number): void
  setMaxStackSize(bytes: number): void
  setInterruptHandler(handler: unknown): void
  executePendingJobs(): unknown
  newContext(): Context
  dispose(): void
}
interface Library {
  newQuickJSWASMModule(): Promise<{ newRuntime(): Runtime }>
  shouldInterruptAfterDeadline(deadline: number): unknown
}

// Not known to the compiler: the bench's packages may not be installed where the types are checked.
const NAME: string = 'quickjs-emscripten'

serveHost(async () => {
  const { newQuickJSWASMModule, shouldInterruptAfterDeadline } = (await import(NAME)) as Library
  return async (program) => {
    const runtime = (await newQuickJSWASMModule()).newRuntime()
    runtime.setMemoryLimit(LIMITS.memoryMb * 2 ** 20)
    runtime.setMaxStackSize(2 ** 18)
    runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + program.wallMs))
    const context = runtime.newContext()
    const run = async (): Promise<Ending> => {
      const evaluated = context.evalCode(callOf(program))
      if (evaluated.value === undefined) return { kind: 'error', text: errorOf(context, evaluated.error) }
      const settled = context.resolvePromise(evaluated.value)
      runtime.executePendingJobs()
      const { value, error } = await settled
      return value === undefined ? { kind: 'error', text: errorOf(context, error) } : valueEnding(context.dump(value))
    }
    const ending = await endBy(program.wallMs, run())
    try {
      context.dispose()
      runtime.dispose()
    } catch {
      // The library asserts that nothing is alive any more, which an interrupted program may leave; its module is dropped whole.
    }
    return ending
  }
})

function errorOf(context: Context, handle: Handle | undefined): string {
  if (handle === undefined) return 'no error'
  const error = context.dump(handle) as { message?: string } | undefined
  return typeof error === 'object' ? String(error.message) : textOf(error)
}
