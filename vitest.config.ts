import { defineConfig } from 'vitest/config'

/** Where a machine-readable report goes, for whoever counts. */
const report = process.env['VITEST_REPORT']

/** Leaves nothing behind in its process, so that one process serves many files: starting one takes a second. */
const SHARING = [
  'test/{admission,billing,broker,events,functions,gateway,policy,sandbox-api,scheduler,webhooks,wire}/**/*.test.ts',
  'test/*.test.ts',
]

/** Keeps all cores busy by itself, or is about time: runs when all others are through, with nothing beside it. */
const ALONE = [
  'test/attacks/{catalogue,floods,guest-floods}.test.ts',
  'test/cli/{cpu-profile,inspect}.test.ts',
  'test/e2e/{back-off,kill,ledger,limits,neighbours}.test.ts',
  'test/gates/{events,fuzz,kills,ledger}.test.ts',
  'test/stress/{campaign,command-line}.test.ts',
  // Looks at the memory of its process.
  'test/wire/frame-reader.test.ts',
]

const common = {
  // Tests wait for events. The bound is for a test that hangs, wide enough for a slow machine.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: 'forks',
  // Threads of a host find compiled code here, as they do when the command line has started it.
  env: { NODE_COMPILE_CACHE: 'node_modules/.cache/cloister' },
} as const

/** Much of a test is waiting for processes that start and end: a second file fills the gaps. */
const together = { ...common, maxWorkers: 2, sequence: { groupOrder: 0 } }

export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    ...(report !== undefined && { outputFile: { json: report } }),
    projects: [
      { test: { ...together, name: 'sharing', include: SHARING, exclude: ALONE, isolate: false } },
      { test: { ...together, name: 'apart', include: ['test/**/*.test.ts'], exclude: [...SHARING, ...ALONE] } },
      { test: { ...common, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
