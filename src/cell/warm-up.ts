import type { RuntimeLimits } from '../../sandbox-api/bridge.ts'
import type { RunHost } from './run-host.ts'
import { GuestRun } from './run.ts'
import type { Realm, RealmMaker } from './realm.ts'

const MUTE: RunHost = {
  elapsed: () => performance.now(),
  call: () => {},
  log: () => {},
  due: () => {},
  worked: () => {},
  wanted: () => {},
  expired: () => {},
  left: () => {},
}
/** Everything that the runtime may have to take away or to replace, so that its code is compiled. */
const ENGINE = { wasm: true, eval: false, temporal: true, clock: 'frozen', sharedMemory: false } as const
const LIMITS: RuntimeLimits = {
  outputBytes: 1_000,
  logBytes: 1_000,
  logLines: 10,
  pendingCalls: 1,
  timers: 1,
  capabilities: ['kv'],
  engine: ENGINE,
}
const CODE =
  'console.log(input); const t = setTimeout(() => {}, 1000); clearTimeout(t); return [await input, context.runId]'
const WALL_MS = 1_000

/**
 * Makes a realm whose isolate has been through one whole run, in a context that is then thrown away: the runtime's and the
 * cell's own functions are compiled when the first tenant arrives. Takes about 5 ms, before the cell is ready.
 */
export function makeWarmRealm(maker: RealmMaker, memoryMb: number): Realm {
  const isolate = maker.isolate(memoryMb)
  const rehearsal = maker.realm(isolate, JSON.stringify(LIMITS))
  const run = new GuestRun(0, rehearsal, WALL_MS, MUTE)
  const artifact = { number: 0, language: 'javascript', main: 'main.js', modules: [['main.js', CODE]] } as const
  run.start(artifact, '{"n":[1]}', `{"runId":"","tenant":"","attempt":1,"wallMs":${WALL_MS},"env":{}}`)
  if (run.ending?.status !== 'ok') throw new Error(`the rehearsal of a cell failed: ${run.ending?.text}`)
  run.release()
  rehearsal.context.release()
  maker.prepareWeb(isolate)
  return maker.realm(isolate)
}
