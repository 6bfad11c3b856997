import type { Engine, EventQuota, FunctionQuota, Grants, Instance, Limits, Policy } from '../core/policy.ts'
import { bytes, mebibytes, millis } from '../core/quantity.ts'
import type { CompletePolicy } from './schema.ts'

/** Gives checked JSON its units and freezes it, all the way down. */
export function fromJson({
  name,
  walls,
  limits,
  rate,
  instance,
  engine,
  functions,
  events,
  capabilities,
}: CompletePolicy): Policy {
  return Object.freeze({
    name,
    walls,
    limits: limitsFromJson(limits),
    rate: Object.freeze({ ...rate }),
    instance: instanceFromJson(instance),
    engine: Object.freeze(engineOf(engine)),
    functions: Object.freeze(functionsFromJson(functions)),
    events: Object.freeze(eventsFromJson(events)),
    capabilities: grantsFromJson(capabilities),
  })
}

/** The policy as complete JSON: `fromJson` of it is an equal policy. */
export function toJson({
  name,
  walls,
  limits,
  rate,
  instance,
  engine,
  functions,
  events,
  capabilities,
}: Policy): CompletePolicy {
  return {
    name,
    walls,
    limits: limitsToJson(limits),
    rate: { ...rate },
    instance: instanceToJson(instance),
    engine: engineOf(engine),
    functions: { ...functions },
    events: { ...events },
    capabilities: structuredClone(capabilities) as unknown as CompletePolicy['capabilities'],
  }
}

function limitsFromJson(json: CompletePolicy['limits']): Limits {
  return Object.freeze({
    wall: millis(json.wallMs),
    cpu: millis(json.cpuMs),
    memory: mebibytes(json.memoryMb),
    input: bytes(json.inputBytes),
    output: bytes(json.outputBytes),
    streamIn: bytes(json.streamInBytes),
    streamOut: bytes(json.streamOutBytes),
    code: bytes(json.codeBytes),
    logs: bytes(json.logBytes),
    logLines: json.logLines,
    concurrency: json.concurrency,
    queue: json.queue,
    queueWait: millis(json.queueWaitMs),
    pendingCalls: json.pendingCalls,
    timers: json.timers,
  })
}

function limitsToJson(limits: Limits): CompletePolicy['limits'] {
  return {
    wallMs: limits.wall,
    cpuMs: limits.cpu,
    memoryMb: limits.memory,
    inputBytes: limits.input,
    outputBytes: limits.output,
    streamInBytes: limits.streamIn,
    streamOutBytes: limits.streamOut,
    codeBytes: limits.code,
    logBytes: limits.logs,
    logLines: limits.logLines,
    concurrency: limits.concurrency,
    queue: limits.queue,
    queueWaitMs: limits.queueWait,
    pendingCalls: limits.pendingCalls,
    timers: limits.timers,
  }
}

function instanceFromJson({ reuse, maxCells, runsPerCell, idleMs, runsMax }: CompletePolicy['instance']): Instance {
  return Object.freeze({ reuse: reuse ?? undefined, maxCells, runsPerCell, idle: millis(idleMs), runsMax })
}

function instanceToJson({ reuse, maxCells, runsPerCell, idle, runsMax }: Instance): CompletePolicy['instance'] {
  return { ...(reuse === undefined ? {} : { reuse }), maxCells, runsPerCell, idleMs: idle, runsMax }
}

/** Has no units: the same in JSON and in memory. */
function engineOf({ jit, wasm, eval: code, temporal, clock, sharedMemory }: Engine): Engine {
  return { jit, wasm, eval: code, temporal, clock, sharedMemory }
}

function functionsFromJson({ count, versions, storedBytes }: CompletePolicy['functions']): FunctionQuota {
  return { count, versions, storedBytes: bytes(storedBytes) }
}

function eventsFromJson({ storedBytes, ...counts }: CompletePolicy['events']): EventQuota {
  return { ...counts, storedBytes: bytes(storedBytes) }
}

/** A grant's fields are the same in JSON and in memory, where they have their units as types. */
function grantsFromJson(json: CompletePolicy['capabilities']): Grants {
  return deepFreeze(structuredClone(json)) as unknown as Grants
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
