import { fileURLToPath } from 'node:url'
import { type Child, startChild } from './child.ts'

/** Starts the raw `node:http` server. */
export async function startRawHttp(): Promise<Child & { readonly port: number }> {
  const file = fileURLToPath(new URL('./raw-http-server.ts', import.meta.url))
  const child = await startChild({ command: process.execPath, args: [file], announces: 1 })
  return { ...child, port: Number(child.firstLine) }
}
