import type { Readable } from 'node:stream'

/** Characters of standard error that are kept. The rest is read and dropped, so that a cell never blocks on it. */
const LAST_WORDS_MAX = 4_096

/** Reads a process's standard error; the function returns what has come so far, cut. */
export function collectLastWords(stderr: Readable | null): () => string {
  let words = ''
  stderr?.on('data', (chunk: Buffer) => {
    if (words.length < LAST_WORDS_MAX) words += chunk.toString('latin1').slice(0, LAST_WORDS_MAX)
  })
  return () => words
}
