import type ivm from 'isolated-vm'

/** isolated-vm's classes. They live in the cell's own realm and never reach a guest. */
export type IsolatedVm = typeof ivm

/** Loads isolated-vm's native addon from the file that the host named; needs no module resolution in the cell. */
export function loadIsolatedVm(file: string): IsolatedVm {
  const target = { exports: {} as { ivm?: IsolatedVm } }
  process.dlopen(target, file)
  if (target.exports.ivm === undefined) throw new Error(`${file} is not isolated-vm`)
  return target.exports.ivm
}
