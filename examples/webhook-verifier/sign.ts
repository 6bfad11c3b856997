import { createHmac } from 'node:crypto'

/**
 * Signs a webhook as its sender does: `node examples/webhook-verifier/sign.ts SECRET ID BODY` prints the input of the
 * example. Written with Node's own cryptography, so that the example is checked by another implementation.
 */
export function sign(secret: string, id: string, body: string, seconds = Math.floor(Date.now() / 1_000)) {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${signature}` }
  return { headers, body }
}

if (import.meta.main) {
  const [secret = '', id = '', body = ''] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(sign(secret, id, body)))
}
