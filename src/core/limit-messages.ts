/** What a run is told that reached a limit: which one, its value, and what a tenant can do. The cell and the host say the same. */

export function wallReached(wallMs: number): string {
  return (
    `the run reached its wall time limit of ${wallMs} ms (limits.wallMs of the policy, or the timeoutMs of the call): ` +
    'do less in one run, wait for several things at the same time, or have the limit raised'
  )
}

export function cpuReached(cpuMs: number): string {
  return (
    `the run reached its CPU time limit of ${cpuMs} ms (limits.cpuMs of the policy): ` +
    'compute less in one run, split its input over several, or have the limit raised'
  )
}

export function memoryReached(memoryMb: number): string {
  return (
    `the run reached its memory limit of ${memoryMb} MB (limits.memoryMb of the policy): ` +
    'hold less at a time, split the input over several runs, or have the limit raised'
  )
}

/** `size` says how much it is, and of what. */
export function outputReached(size: string, outputBytes: number): string {
  return (
    `the result has ${size}; limits.outputBytes of the policy is ${outputBytes}: ` +
    'return less, store it and return its key, or have the limit raised'
  )
}
