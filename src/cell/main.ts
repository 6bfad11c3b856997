import { Socket } from 'node:net'
import { loadIsolatedVm } from './addon.ts'
import { Cell } from './cell.ts'
import { lockDown } from './lockdown.ts'

/** Entry point of a cell's process: `node … cell.js ADDON HOST_PID`, with its socket as file descriptor 3. */
const [addon, hostPid] = process.argv.slice(2)
if (addon === undefined || hostPid === undefined) throw new Error('a cell is started by its host, not by hand')

const isolatedVm = loadIsolatedVm(addon)
lockDown(Number(hostPid))
new Cell(isolatedVm, new Socket({ fd: 3, readable: true, writable: true }))
