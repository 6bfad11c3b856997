import { type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http'
import { Agent } from 'node:http'
import { onTestFinished } from 'vitest'
import { CloisterError } from '../../src/core/errors.ts'
import { bytes, millis } from '../../src/core/quantity.ts'
import { createArtifacts } from '../../src/functions/artifacts.ts'
import type { Functions } from '../../src/gateway/ports.ts'
import { type Guest, KV } from '../sandbox-api/guest.ts'
import { type World, openGateway } from './world.ts'

interface Given {
  readonly auth?: 'public' | 'key'
  readonly wallMs?: number
  readonly streamIn?: number
  readonly streamOut?: number
  readonly output?: number
}

/** A gateway whose functions run in real cells. */
export interface FunctionsWorld extends World {
  /** Makes a function of `acme` out of the body of a fetch handler; returns its path. */
  deploy(body: string, given?: Given): string
}

export async function openFunctions(
  guest: Guest,
  options: Parameters<typeof openGateway>[0] = {},
): Promise<FunctionsWorld> {
  const artifacts = createArtifacts({ cacheSize: bytes(1 << 20) })
  const functions = new Map<string, { code: string } & Given>()
  const codes = new Map<string, string>()
  const resolve: Functions['resolve'] = async (tenant, name) => {
    const found = functions.get(`${tenant}/${name}`)
    if (found === undefined) throw new CloisterError('NOT_FOUND', `tenant "${tenant}" has no function "${name}"`)
    const code = artifacts.build({ modules: { 'main.js': found.code }, main: 'main.js' })
    codes.set(code.id, `${tenant}/${name}`)
    return { name, version: 1, code, config: { http: { auth: found.auth } }, handlers: ['fetch'] }
  }
  const world = (await openGateway({ ...options, functions: { resolve } })) as FunctionsWorld
  world.execute = async (request) => {
    const { code, wallMs, streamIn, streamOut, output } = functions.get(codes.get(request.artifact.id) ?? '') ?? raise()
    const limits = {
      ...(wallMs !== undefined && { wall: millis(wallMs) }),
      ...(streamIn !== undefined && { streamIn: bytes(streamIn) }),
      ...(streamOut !== undefined && { streamOut: bytes(streamOut) }),
      ...(output !== undefined && { output: bytes(output) }),
    }
    const { input, signal, exchange, trigger } = request
    return await guest.cells.execute(code, {
      trigger,
      inputText: input,
      grants: { kv: KV },
      limits,
      ...(signal && { signal }),
      ...(exchange && { exchange }),
    })
  }
  world.deploy = (body, given = {}) => {
    const name = `f${functions.size}`
    functions.set(`acme/${name}`, { code: `export default { async fetch(request, context) { ${body} } }`, ...given })
    return `/run/acme/${name}`
  }
  return world
}

function raise(): never {
  throw new Error('nobody has deployed that')
}

/** Opens an exchange by hand: the request is returned, and its response once it has begun. */
export function open(world: World, path: string, options: RequestOptions = {}) {
  const agent = new Agent({ keepAlive: false })
  const outgoing = httpRequest(`${world.url}${path}`, { agent, ...options })
  outgoing.on('error', () => {})
  onTestFinished(() => void outgoing.destroy())
  const response = new Promise<IncomingMessage>((resolve) => outgoing.once('response', resolve))
  return { outgoing, response }
}
