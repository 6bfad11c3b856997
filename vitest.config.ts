import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests wait for events. The bound is for a test that hangs, wide enough for a slow machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
})
