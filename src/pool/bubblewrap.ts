import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { architectureOf } from '../kernel/architecture.ts'
import { earlyFilter } from '../kernel/filters.ts'
import { DESCRIPTOR, type Launcher, nodeFlags } from './launch.ts'
import { sharedLibraries } from './open-files.ts'
import type { CellProgram } from './program.ts'
import { writeByContent } from './write-by-content.ts'

/** Where a cell finds its own files in the empty tree that bubblewrap gives it. */
const NODE = '/app/node'
const ADDON = '/app/isolated-vm.node'
/** The name that a cell's machine has: not the host's. */
export const HOSTNAME = 'cell'
/** A file of the host's, read-only, at a place in the tree. */
function bind(file: string, place: string): readonly string[] {
  return ['--ro-bind', file, place]
}

/** Namespaces of every kind, the user `nobody`, no capability, no way to make namespaces inside; gone with the host. */
/* prettier-ignore */
const ISOLATION = [
  '--unshare-all', '--unshare-user', '--uid', '65534', '--gid', '65534', '--disable-userns', '--cap-drop', 'ALL',
  '--die-with-parent', '--new-session', '--as-pid-1', '--hostname', HOSTNAME, '--chdir', '/',
] as const

/** The `bwrap` program on this machine's path, if it is installed. */
export function findBubblewrap(path: string | undefined): string | undefined {
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, 'bwrap')).find((file) => existsSync(file))
}

/**
 * Starts cells inside bubblewrap: namespaces of their own for processes, network, users, mounts, IPC, host name and
 * cgroups; a file tree of Node, the addon, their libraries and the cell's code, read-only, without `/proc`; no
 * capability; a session of its own; and the early filter, which bubblewrap puts in force as its last act.
 */
export function bubblewrapLauncher(bubblewrap: string, { file }: CellProgram): Launcher {
  const architecture = architectureOf(process.arch)
  if (architecture === undefined) throw new Error(`there is no filter for system calls of ${process.arch}`)
  const filterFile = writeByContent(dirname(file), 'filter', 'bpf', earlyFilter(architecture))
  const libraries = sharedLibraries().flatMap((library) => bind(realpathSync(library), library))
  return (program, profile) => {
    const code = `/app/${basename(program.file)}`
    return {
      command: bubblewrap,
      args: [
        ...ISOLATION,
        ...bind(process.execPath, NODE),
        ...bind(program.addon, ADDON),
        ...bind(program.file, code),
        ...libraries,
        '--remount-ro',
        '/',
        '--info-fd',
        String(DESCRIPTOR.info),
        '--seccomp',
        String(DESCRIPTOR.filter),
        '--',
        NODE,
        ...nodeFlags([code, ADDON], profile),
        code,
        ADDON,
        'A',
        // Its host cannot be seen from inside; bubblewrap ends it with its host.
        '0',
      ],
      filterFile,
      isWrapped: true,
    }
  }
}
