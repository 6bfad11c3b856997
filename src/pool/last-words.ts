import type { ChildProcess } from 'node:child_process'
import type { ProcessEnd } from './death.ts'

/** Longest wait for what a process has written before it ended. In ms. */
const LAST_WORDS_MS = 250

/**
 * Calls `action` once, when the kernel has reaped the process and what it said before has been read to its end: whose code
 * it was in, and why it gave up.
 */
export function onEnd(child: ChildProcess, action: (end: ProcessEnd) => void): void {
  let late: NodeJS.Timeout | undefined
  child.on('exit', (code, signal) => {
    late = setTimeout(() => action({ code, signal }), LAST_WORDS_MS)
  })
  child.on('close', (code, signal) => {
    clearTimeout(late)
    action({ code, signal })
  })
  child.on('error', () => {})
}
