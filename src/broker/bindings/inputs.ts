import type { Binding } from '../../core/binding.ts'
import { BindingFault, type Call, addressOf, answerOf } from './values.ts'

interface Found {
  readonly blob: { readonly size: number }
  readonly content: string
  readonly handle?: number
}

/** Reads what an input is bound to, as JSON text; `null` if there is nothing. Throws BindingFault. */
export async function readInput(
  call: Call,
  binding: Binding,
  { target, bytesMax }: { readonly target: string; readonly bytesMax: number },
): Promise<string> {
  if (binding.docs !== undefined) return answerOf(call('docs.get', addressOf(target)))
  const found = JSON.parse(await answerOf(call('blobs.get', [target]))) as Found | null
  if (found === null) return 'null'
  const content = await contentOf(call, found, bytesMax)
  if (binding.as === 'base64') return `"${content.toString('base64')}"`
  const text = content.toString('utf8')
  if (binding.as !== 'json') return JSON.stringify(text)
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    throw new BindingFault(`the blob "${target}" does not hold JSON`)
  }
}

async function contentOf(call: Call, { blob, content, handle }: Found, bytesMax: number): Promise<Buffer> {
  if (blob.size > bytesMax) {
    throw new BindingFault(`the blob has ${blob.size} bytes; at most ${bytesMax} are bound (limits.inputBytes)`)
  }
  const pieces = [Buffer.from(content, 'base64')]
  while (handle !== undefined) {
    const piece = JSON.parse(await answerOf(call('blobs.read', [handle]))) as string | null
    if (piece === null) break
    pieces.push(Buffer.from(piece, 'base64'))
  }
  return Buffer.concat(pieces)
}
