import { fileURLToPath } from 'node:url'
import { describeMachine } from '../results.ts'
import { installedVersion } from './packages.ts'

/** A sandbox under test: the script that is its host, and what stands beside its figures. */
export interface Peer {
  readonly name: string
  readonly script: string
  readonly args: readonly string[]
  /** Flags of Node for the host, where the peer's documentation asks for them. */
  readonly execArgv: readonly string[]
  /** As installed; undefined when it is not. */
  version(): string | undefined
  /** How it is configured here: the best that its documentation offers. */
  readonly configuration: string
  /** What the host has to do by itself. */
  readonly userJob: string
  /** Takes part only when it is named. */
  readonly extra?: true
}

const host = (name: string): string => fileURLToPath(new URL(`./hosts/${name}.ts`, import.meta.url))

const nodeVersion = (): string => `Node ${process.versions.node}`
const packageVersion = (name: string) => (): string | undefined => installedVersion(name)

const cloisterVersion = `commit ${describeMachine().commit}`

const BARE = { args: [], execArgv: [] } as const

/** In the order of the tables. */
export const PEERS: readonly Peer[] = [
  {
    name: 'node:vm',
    script: host('node-vm'),
    ...BARE,
    version: nodeVersion,
    configuration:
      '`runInContext` with `timeout: 500` and `microtaskMode: "afterEvaluate"`, a fresh `DONT_CONTEXTIFY` context a run, input as text. It has no memory limit. Its documentation says that it is not a security mechanism',
    userJob: 'everything but the timeout',
  },
  {
    name: 'worker_threads',
    script: host('worker-threads'),
    ...BARE,
    version: nodeVersion,
    configuration:
      'a fresh `Worker` a run with `resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }` and `env: {}`',
    userJob: '`terminate()` at the deadline',
  },
  {
    name: 'isolated-vm',
    script: host('isolated-vm'),
    args: [],
    execArgv: ['--no-node-snapshot'],
    version: packageVersion('isolated-vm'),
    configuration:
      'a fresh `Isolate` a run with `memoryLimit: 64`, `context.eval` with `timeout: 500, promise: true, copy: true`, `onCatastrophicError` set, `--no-node-snapshot`',
    userJob:
      'a deadline for what comes after an `await`, then `dispose()`. The README advises to keep it in a process of its own',
  },
  {
    name: 'quickjs-emscripten',
    script: host('quickjs'),
    ...BARE,
    version: packageVersion('quickjs-emscripten'),
    configuration:
      'a fresh WebAssembly module, runtime and context a run, `setMemoryLimit(64 MiB)`, `setMaxStackSize(256 KiB)`, `setInterruptHandler(shouldInterruptAfterDeadline(now + 500))`',
    userJob: 'running the promise jobs, a deadline for promises that never settle',
  },
  {
    name: 'workerd',
    script: host('workerd'),
    ...BARE,
    version: packageVersion('workerd'),
    configuration:
      'one server, a worker and a socket a program. The open-source server has no limits to set (`NullIsolateLimitEnforcer`); its README says that it is not a hardened sandbox by itself',
    userJob: 'all limits. The host gives up on its request after 500 ms',
  },
  {
    name: 'deno',
    script: host('deno'),
    ...BARE,
    version: packageVersion('deno'),
    configuration:
      'a process a run, no permission, `--no-prompt --no-config --no-lock --no-remote --no-npm --cached-only --v8-flags=--max-old-space-size=64`, empty environment, a folder of its own',
    userJob: 'SIGKILL at the deadline (its start counts), a bound on its output',
  },
  {
    name: 'cloister',
    script: host('cloister'),
    args: ['default'],
    execArgv: [],
    version: () => cloisterVersion,
    configuration: '`createCloister()`, the policy `default` with `wallMs: 500` and `memoryMb: 64`',
    userJob: 'none',
  },
  {
    name: 'cloister strict',
    script: host('cloister'),
    args: ['strict'],
    execArgv: [],
    version: () => cloisterVersion,
    configuration: '`createCloister()`, the policy `strict` with `wallMs: 500`; 64 MiB are its own limit',
    userJob: 'none',
    extra: true,
  },
]

/** Who takes part unless peers are named. */
export const DEFAULT_PEERS: readonly Peer[] = PEERS.filter(({ extra }) => extra === undefined)
