import ivm from 'isolated-vm'
import { LIMITS } from '../program.ts'
import { type Ending, type Submitted, callOf, endBy, serveHost, textOf, valueEnding } from './host.ts'

/**
 * isolated-vm as its README shows it: a fresh isolate a run with a memory limit, entered asynchronously with a timeout, the
 * result copied out, nothing of isolated-vm handed in. The timeout does not cover what comes after an `await`, so the host has
 * a deadline of its own and disposes of the isolate then, which is the user's job.
 */
serveHost(async () => async (program) => {
  const isolate = new ivm.Isolate({
    memoryLimit: LIMITS.memoryMb,
    // Without it the library aborts the process; with it the isolate is lost and the process should be replaced in time.
    onCatastrophicError: () => {},
  })
  const dispose = (): void => {
    if (!isolate.isDisposed) isolate.dispose()
  }
  const ending = await endBy(program.wallMs, evaluate(isolate, program), dispose)
  dispose()
  return ending
})

async function evaluate(isolate: ivm.Isolate, program: Submitted): Promise<Ending> {
  try {
    const context = await isolate.createContext()
    const value: unknown = await context.eval(callOf(program), { timeout: program.wallMs, promise: true, copy: true })
    return valueEnding(value)
  } catch (error) {
    return { kind: isolate.isDisposed ? 'limit' : 'error', text: textOf(error) }
  }
}
