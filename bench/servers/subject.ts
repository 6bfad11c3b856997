/**
 * The function that every server under test runs, and the request it gets. Cloister is sent the code with each request, as
 * its callers do; the peers have it built in and are sent the same bytes.
 */
export const CODE = 'export default function (input) { return { hello: input.name, sum: input.left + input.right } }'
export const INPUT = { name: 'ann', left: 20, right: 22 }
export const BODY = JSON.stringify({ code: CODE, input: INPUT })
/** The part that every right answer contains. */
export const EXPECTED = '"result":{"hello":"ann","sum":42}'

/** What the peers put around the result, so that all answers are of one length: what a run of Cloister answers. */
export const ENVELOPE = {
  runId: 'run_0000000000000000000000000',
  status: 'ok',
  logs: [],
  usage: {
    wallMs: 0.123,
    cpuMs: 0.045,
    units: 1,
    billedMs: 100,
    memoryMb: 512,
    peakMemoryMb: 12.34,
    coldStart: false,
    billed: true,
    costUsd: '0.000000408',
  },
}
