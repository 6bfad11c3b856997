import { join, relative } from 'node:path'

/** The group that the host moves itself into: a group that has groups with limits may hold no process. */
export const HOST_GROUP = 'cloister-host'

/** Where the version 2 group of this process is, by the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`. */
export function findOwnCgroup(cgroup: string, mountinfo: string): { directory: string } | { reason: string } {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1]
  if (path === undefined) return { reason: 'the kernel has no cgroups of version 2' }
  for (const line of mountinfo.split('\n')) {
    // id, parent, device, root, mount point, options, optional fields, a dash, the type.
    const fields = line.split(' ')
    const [root, point] = [fields[3], fields[4]]
    if (fields[fields.indexOf('-') + 1] !== 'cgroup2' || root === undefined || point === undefined) continue
    const below = relative(unescape(root), path)
    if (below.startsWith('..')) continue
    const directory = join(unescape(point), below)
    return { directory: directory.endsWith(`/${HOST_GROUP}`) ? join(directory, '..') : directory }
  }
  return { reason: 'no mounted cgroup2 file system has the group of this process' }
}

/** Spaces and their like stand in mountinfo as three octal digits. */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
