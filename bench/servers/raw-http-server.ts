import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ENVELOPE } from './subject.ts'

/** The peer without any platform: Node's own HTTP server, the function called in place. Prints its port. */
function answer(body: string): string {
  const { input } = JSON.parse(body) as { input: { name: string; left: number; right: number } }
  const result = { hello: input.name, sum: input.left + input.right }
  return JSON.stringify({ ...ENVELOPE, result })
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = answer(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
