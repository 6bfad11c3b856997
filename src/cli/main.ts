import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { systemClock } from '../core/clock.ts'
import { VERSION } from '../version.ts'
import { registerBill } from './bill.ts'
import type { Context } from './context.ts'
import { registerDeadLetters } from './dead-letters.ts'
import { registerDeploy } from './deploy.ts'
import { registerDev } from './dev.ts'
import { registerBlobs } from './blobs.ts'
import { registerQueues } from './queues.ts'
import { registerDocs } from './docs.ts'
import { registerDoctor } from './doctor.ts'
import { registerEnv } from './env.ts'
import { registerExecutions } from './executions.ts'
import { describeFailure, printFailure, printFailureAsJson } from './failure.ts'
import { registerFunctions } from './functions.ts'
import { registerInvoke } from './invoke.ts'
import { registerKeys } from './keys.ts'
import { registerKv } from './kv.ts'
import { registerLogs } from './logs.ts'
import { registerPolicy } from './policy.ts'
import { registerRun } from './run.ts'
import { registerRuns } from './runs.ts'
import { registerSchedules } from './schedules.ts'
import { registerServe } from './serve.ts'
import { registerSecrets } from './secrets.ts'
import { registerSql } from './sql.ts'
import { registerWebhooks } from './webhooks.ts'
import { registerStress } from './stress.ts'
import { listenForShutdown } from './shutdown.ts'
import { EXIT_OK, EXIT_USAGE, type ExitCode } from './stop.ts'
import { registerTenants } from './tenants.ts'
import { print } from './terminal.ts'
import { registerUsage } from './usage.ts'
import { registerUsers } from './users.ts'

const REGISTRARS = [
  registerServe,
  registerRun,
  registerDeploy,
  registerDev,
  registerInvoke,
  registerFunctions,
  registerExecutions,
  registerRuns,
  registerLogs,
  registerBill,
  registerUsage,
  registerTenants,
  registerKeys,
  registerSql,
  registerSecrets,
  registerUsers,
  registerWebhooks,
  registerKv,
  registerDocs,
  registerBlobs,
  registerQueues,
  registerSchedules,
  registerDeadLetters,
  registerEnv,
  registerPolicy,
  registerDoctor,
  registerStress,
]

const EPILOGUE = `
Environment:
  CLOISTER_URL   the server to talk to; without it the data directory is opened in this process
  CLOISTER_KEY   the key for that server

Exit codes:
  0 ok   1 the guest's code failed   2 usage   3 refused   70 host fault   124 a limit ended the run

Example:
  echo 'return { hello: input.name }' > hello.js
  cloister run hello.js --input '{"name":"ann"}'`

/**
 * Runs one command line, without the program's own name, and resolves with the exit code. Never rejects: what goes wrong is
 * printed on standard error with the next step.
 */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exit: ExitCode = EXIT_OK
  const context = createContext((code) => {
    exit = code
  })
  // Parts of the platform do not keep a process alive by themselves; a command that waits for one of them must.
  const alive = setInterval(() => {}, 60_000)
  try {
    await createProgram(context).parseAsync(args, { from: 'user' })
    return exit
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE
    return reportFailure(error, args, context)
  } finally {
    clearInterval(alive)
  }
}

/** The program with every command. Throws a CommanderError instead of ending the process. */
export function createProgram(context: Context): Command {
  const program = new Command('cloister')
    .description('Runs code you did not write, one tenant to a process, and bills it.')
    .version(VERSION)
    .addHelpText('after', EPILOGUE)
    .showHelpAfterError('(add --help for the options and an example)')
    .configureOutput({
      writeOut: (text) => context.out.stream.write(text),
      writeErr: (text) => context.err.stream.write(text),
    })
    .exitOverride()
  for (const register of REGISTRARS) register(program, context)
  return program
}

function createContext(finish: (exit: ExitCode) => void): Context {
  // A reader that has seen enough, like `head`, or that is gone, must not bring down what still works.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  return {
    env: process.env,
    clock: systemClock,
    stdin: process.stdin,
    out: { stream: process.stdout },
    err: { stream: process.stderr },
    loadHost: () => import('../main.ts'),
    listenForShutdown: () => listenForShutdown(process),
    finish,
  }
}

function reportFailure(error: unknown, args: readonly string[], { env, err }: Context): ExitCode {
  const failure = describeFailure(error)
  const printed = args.includes('--json') ? printFailureAsJson : printFailure
  printed(err, failure)
  if (env['CLOISTER_DEBUG'] !== undefined) print(err, inspect(error))
  return failure.exit
}
