import { PassThrough } from 'node:stream'
import type { Screen } from '../../src/cli/terminal.ts'

/** A screen that remembers what was printed on it. */
export interface CapturedScreen extends Screen {
  text(): string
}

/** Makes a screen that is a terminal or a pipe. */
export function captureScreen(kind: 'terminal' | 'pipe' = 'pipe'): CapturedScreen {
  const chunks: string[] = []
  const stream = Object.assign(new PassThrough(), { isTTY: kind === 'terminal', getColorDepth: () => 1 })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
  return {
    stream,
    text: () => {
      const rest = stream.read() as Buffer | null
      if (rest !== null) chunks.push(rest.toString())
      return chunks.join('')
    },
  }
}
