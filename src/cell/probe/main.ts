import { writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { architectureOf } from '../../kernel/architecture.ts'
import { openLibc } from '../../kernel/libc.ts'
import type { ProbeReport } from '../../wire/probe.ts'
import { loadIsolatedVm } from '../addon.ts'
import { readArguments } from '../arguments.ts'
import { die } from '../die.ts'
import { lockDown } from '../lockdown.ts'
import { tryJavaScript } from './javascript.ts'
import { findFolders, prepareNative } from './native.ts'

/**
 * Entry point of a probe: a process that is started and locks itself in exactly as a cell does, and then tries what is
 * forbidden, from JavaScript and, through the C library that it opened before, as native code would. It says what came
 * of it over its socket, as one JSON text, and ends.
 */
const { addon, lockdown } = readArguments(process.argv.slice(2))
loadIsolatedVm(addon)
const libc = openLibc()
const architecture = architectureOf(process.arch)
// Where the host cannot be seen there is a process that is not there: asking for it must be refused all the same.
const neighbour = lockdown.hostPid ?? 2
const isLinux = libc !== undefined && architecture !== undefined
const folders = isLinux ? findFolders(libc, architecture) : []
const tryNative = isLinux ? prepareNative(libc, architecture, neighbour) : () => []
const name = hostname()
lockDown(libc, lockdown)
void report()

async function report(): Promise<void> {
  const found: ProbeReport = {
    attempts: [...tryNative(), ...(await tryJavaScript(neighbour))],
    folders,
    hostname: name,
    pid: process.pid,
  }
  writeSync(3, JSON.stringify(found))
  die()
}
