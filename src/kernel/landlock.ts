import { closeSync, constants, openSync, statSync } from 'node:fs'
import type { Architecture } from './architecture.ts'
import type { Libc } from './libc.ts'

/** Rights of linux/landlock.h. */
const EXECUTE = 1n << 0n
const WRITE_FILE = 1n << 1n
const READ_FILE = 1n << 2n
const READ_DIR = 1n << 3n
const NET_ALL = 0b11n
const SCOPE_ABSTRACT_UNIX_SOCKETS = 1n

const CREATE_RULESET_VERSION = 1
const RULE_PATH_BENEATH = 1
const O_PATH = 0o10_000_000

/** Rights over files that the kernel knows, by version of its interface: bits 0 to 12 first, one or two more each. */
const FILE_RIGHT_COUNT: Readonly<Record<number, bigint>> = { 1: 13n, 2: 14n, 3: 15n, 4: 15n }
const FILE_RIGHT_COUNT_MAX = 16n
/** Versions from which the rule set has a field for networks, and one for scopes. */
const WITH_NETWORK = 4
const WITH_SCOPES = 6

export type FileAccess = 'read' | 'read and execute' | 'read and write'

/** A file or folder that stays open to the restricted thread, with everything below it. */
export interface OpenPath {
  readonly path: string
  readonly access: FileAccess
}

/**
 * Takes the file system away from the calling thread and from what it starts, but for `paths`; and TCP and abstract
 * Unix sockets where the kernel knows how. Paths that do not exist are passed over. Needs no_new_privs.
 * Returns the version of the kernel's interface; 0 where it has none and nothing is restricted.
 */
export function restrictFiles(libc: Libc, architecture: Architecture, paths: readonly OpenPath[]): number {
  const call = (name: 'landlock_create_ruleset' | 'landlock_add_rule' | 'landlock_restrict_self'): number =>
    architecture.number(name) ?? -1
  const version = libc.syscall(call('landlock_create_ruleset'), 0, 0, CREATE_RULESET_VERSION)
  if (version < 1) return 0
  const handled = new BigUint64Array(version >= WITH_SCOPES ? 3 : version >= WITH_NETWORK ? 2 : 1)
  handled[0] = (1n << (FILE_RIGHT_COUNT[version] ?? FILE_RIGHT_COUNT_MAX)) - 1n
  if (version >= WITH_NETWORK) handled[1] = NET_ALL
  if (version >= WITH_SCOPES) handled[2] = SCOPE_ABSTRACT_UNIX_SOCKETS
  const ruleset = libc.syscall(call('landlock_create_ruleset'), libc.address(handled), handled.byteLength, 0)
  if (ruleset < 0) throw new Error(`the kernel refused a Landlock rule set (${libc.errno()})`)
  try {
    for (const { path, access } of paths) allow(path, access)
    if (libc.syscall(call('landlock_restrict_self'), ruleset, 0) !== 0) {
      throw new Error(`the kernel refused to restrict a thread (${libc.errno()})`)
    }
  } finally {
    libc.close(ruleset)
  }
  return version

  function allow(path: string, access: FileAccess): void {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    if (isFolder === undefined) return
    const descriptor = openSync(path, O_PATH | constants.O_RDONLY)
    // struct landlock_path_beneath_attr is packed: u64 rights, s32 descriptor.
    const rule = Buffer.alloc(12)
    rule.writeBigUInt64LE(rightsOf(access, isFolder ? 'folder' : 'file'), 0)
    rule.writeInt32LE(descriptor, 8)
    const added = libc.syscall(call('landlock_add_rule'), ruleset, RULE_PATH_BENEATH, libc.address(rule), 0)
    closeSync(descriptor)
    if (added !== 0) throw new Error(`the kernel refused a Landlock rule for ${path} (${libc.errno()})`)
  }
}

function rightsOf(access: FileAccess, kind: 'file' | 'folder'): bigint {
  const read = READ_FILE | (kind === 'folder' ? READ_DIR : 0n)
  switch (access) {
    case 'read':
      return read
    case 'read and execute':
      return read | EXECUTE
    case 'read and write':
      return read | WRITE_FILE
  }
}
