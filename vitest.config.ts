import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A second, vitest's own, is little where two cores are busy with other tests.
    expect: { poll: { timeout: 10_000 } },
    pool: 'threads',
    maxWorkers: 2,
    // Nothing here has module state or touches globals, so files may share what is loaded: a quarter less time.
    isolate: false,
  },
})
