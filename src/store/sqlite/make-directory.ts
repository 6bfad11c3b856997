import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder and what is missing above it, for this user alone. Throws the system's error. Step by step: Node's own
 * recursive way never returns where a file system takes no new folders, as below /proc.
 */
export function makeDirectory(path: string): void {
  const missing: string[] = []
  for (let folder = resolve(path); !existsSync(folder); folder = dirname(folder)) missing.unshift(folder)
  // What is there and no folder is the system's to complain of, in its own words.
  if (missing.length === 0 && !statSync(path).isDirectory()) missing.push(path)
  for (const folder of missing) mkdirSync(folder, { mode: 0o700 })
}
