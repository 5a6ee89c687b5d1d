import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Some tests start simulations and servers of their own; more workers than this would starve them.
    maxWorkers: 2,
    // Nothing is judged by how long it takes: this ends what hangs, on the slowest machine that runs these.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
