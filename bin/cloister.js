#!/usr/bin/env node
/**
 * The way in. Cloister needs Node 26, the machine may have any Node from 18 on, and the npm package `node` carries the
 * right one: an older Node starts that one again with the same arguments and steps back. Plain JavaScript, because
 * this file must be readable for the oldest of them.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

const MAJOR_MIN = 26
const HOST_FAULT = 70
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** Set for the second Node only, and taken out of its environment at once. */
const RESTARTED = 'CLOISTER_RESTARTED'

const restarted = process.env[RESTARTED] !== undefined
delete process.env[RESTARTED]

if (Number.parseInt(process.versions.node, 10) >= MAJOR_MIN) {
  if (restarted) followStarter()
  await runHere()
} else {
  restart()
}

async function runHere() {
  // A fault of ours must not look like one of the guest's, which is what Node's own exit code 1 means here.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${inspect(error)}\n`)
    process.exit(HOST_FAULT)
  })
  // Node's experimental parts that are used here are used on purpose; every other warning is shown as ever.
  const show = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') for (const listener of show) listener(warning)
  })
  // Code is compiled once, which makes later starts up to twice as fast. Kept inside the package: who may write there may
  // write the program itself, which is not so of the shared folder that Node would choose. Where one may not, it is off.
  const cache = fileURLToPath(new URL('../node_modules/.cache/cloister', import.meta.url))
  const { status } = module.enableCompileCache(cache)
  // Threads look for it in the environment, in which no cell and no guest ever looks.
  if (status === module.constants.compileCacheStatus.ENABLED) process.env['NODE_COMPILE_CACHE'] = cache
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const { runCommandLine } = await import(existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url))
  process.exitCode = await runCommandLine(process.argv.slice(2))
}

/** In the second Node: takes the signals that the first one passes on, and does not outlive it. */
function followStarter() {
  if (!process.connected) process.exit(HOST_FAULT)
  process.on('message', ({ signal }) => {
    // A command that cares listens to these messages itself; any other dies of the signal, as it would have directly.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  })
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}

/** In the first Node: the second one has its arguments and streams, gets its signals and decides how it ends. */
function restart() {
  const child = spawn(findNode(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [RESTARTED]: '1' },
  })
  // As messages, not as signals: Ctrl-C in a terminal reaches both processes, and must not count twice.
  for (const signal of SIGNALS) process.on(signal, () => child.connected && child.send({ signal }))
  child.on('error', (error) => stop(`cannot start Node ${MAJOR_MIN}: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of SIGNALS) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}

function findNode() {
  try {
    const folder = dirname(module.createRequire(import.meta.url).resolve('node/package.json'))
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (!restarted && existsSync(binary)) return binary
  } catch {
    // Not installed: the message below says what to do.
  }
  return stop(
    `Cloister needs Node ${MAJOR_MIN} or newer, and this is ${process.version}.\n` +
      `  next: install it, or let npm bring it along: npm install --allow-scripts=node`,
  )
}

function stop(message) {
  process.stderr.write(`error: ${message}\n`)
  process.exit(HOST_FAULT)
}
