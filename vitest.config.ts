import { defineConfig } from 'vitest/config'

/** Where a machine-readable report goes, for whoever counts. */
const report = process.env['VITEST_REPORT']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests wait for events. The bound is for a test that hangs, wide enough for a slow machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    ...(report !== undefined && { outputFile: { json: report } }),
  },
})
