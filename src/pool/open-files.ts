import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import type { OpenPath } from '../kernel/landlock.ts'
import type { CellProgram } from './program.ts'

/** Shared libraries that a Node process has loaded, as absolute paths: what a cell's Node and its addon need, too. */
export function sharedLibraries(): readonly string[] {
  // @types/node does not know the switch yet. Without it a report looks up the names of connected hosts.
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const { excludeNetwork } = report
  report.excludeNetwork = true
  try {
    const { sharedObjects = [] } = report.getReport() as { sharedObjects?: readonly string[] }
    return sharedObjects.filter((path) => path.startsWith('/') && path !== process.execPath)
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

/** What a cell opens while it starts, and nothing else: its program, its libraries, and what Node asks of the kernel. */
export function openFiles({ file, addon }: CellProgram): readonly OpenPath[] {
  const programs = [process.execPath, addon, ...sharedLibraries()].flatMap((path) => withTarget(path))
  return [
    ...programs.map((path): OpenPath => ({ path, access: 'read and execute' })),
    // Folders of cell programs, not the one file: its name is a hash of its content.
    { path: dirname(file), access: 'read' },
    { path: '/etc/ld.so.cache', access: 'read' },
    { path: '/dev/null', access: 'read and write' },
    { path: '/dev/urandom', access: 'read' },
    { path: '/proc', access: 'read' },
    { path: '/sys', access: 'read' },
  ]
}

/** A path and, where it is a link, what it leads to: the kernel judges by the file that is opened. */
function withTarget(path: string): readonly string[] {
  const target = realpathSync(path)
  return target === path ? [path] : [path, target]
}
