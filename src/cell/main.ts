import { Socket } from 'node:net'
import { openLibc } from '../kernel/libc.ts'
import { loadIsolatedVm } from './addon.ts'
import { Cell } from './cell.ts'
import { lockDown } from './lockdown.ts'
import { readArguments } from './arguments.ts'

/** Entry point of a cell's process: `node … cell.cjs ADDON WALLS HOST_PID`, with its socket as file descriptor 3. */
const { addon, lockdown } = readArguments(process.argv.slice(2))
const isolatedVm = loadIsolatedVm(addon)
// Before the lockdown: what kind of descriptor it is can be asked no more afterwards.
const socket = new Socket({ fd: 3, readable: true, writable: true })
lockDown(openLibc(), lockdown)
new Cell(isolatedVm, socket)
