import { mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'

/** What is done with the files of a cgroup. They all throw what Node's own functions do. */
export interface CgroupFiles {
  read(path: string): string
  write(path: string, text: string): void
  /** Names of the groups in a group. */
  groupsIn(directory: string): readonly string[]
  make(directory: string): void
  /** Only once no process is left in the group. */
  remove(directory: string): void
}

/** The kernel's. */
export const CGROUP_FILES: CgroupFiles = {
  read: (path) => readFileSync(path, 'latin1'),
  write: (path, text) => writeFileSync(path, text, { flag: 'r+' }),
  groupsIn: (directory) =>
    readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  make: (directory) => mkdirSync(directory),
  remove: (directory) => rmdirSync(directory),
}
