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

export function streamReached(): string {
  return (
    'the body of the response has more bytes than limits.streamOutBytes of the policy allows: ' +
    'send less, send it in parts that clients ask for one by one, or have the limit raised'
  )
}

/** `what` says what is too long, and how long it is. */
export function outputReached(what: string, outputBytes: number): string {
  return (
    `${what}; limits.outputBytes of the policy is ${outputBytes}: ` +
    'return less, store it and return its key, or have the limit raised'
  )
}
