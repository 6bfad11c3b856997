import { constants, createContext, runInContext } from 'node:vm'
import { callOf, endBy, serveHost, textOf, valueEnding } from './host.ts'

/**
 * node:vm with what its documentation offers: a timeout, and `afterEvaluate`, which makes it cover promise jobs too. The
 * context has no object of the host in it, neither as its global object nor as input. There is no memory limit to set.
 */
// A promise that a guest rejects and nobody handles would end the process, as Node does by default.
process.on('unhandledRejection', () => {})

serveHost(async () => async (program) => {
  const context = createContext(constants.DONT_CONTEXTIFY, { microtaskMode: 'afterEvaluate' }) as Record<
    string,
    unknown
  >
  // Promises of such a context do not settle in the host's queue, so the program leaves its result behind.
  const code = `${callOf(program)}.then((value) => { globalThis.__value = { value } }, (error) => { globalThis.__error = { error } })`
  try {
    runInContext(code, context as never, { timeout: program.wallMs })
  } catch (error) {
    return {
      kind: (error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? 'limit' : 'error',
      text: textOf(error),
    }
  }
  const { __value: value, __error: error } = context as Record<string, Record<string, unknown> | undefined>
  if (value !== undefined) return valueEnding(value['value'])
  if (error !== undefined) return { kind: 'error', text: textOf(error['error']) }
  return await endBy(program.wallMs, new Promise(() => {}))
})
