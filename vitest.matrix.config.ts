import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest reads its configuration from the default export
export default defineConfig({
  test: {
    include: ['test/**/*.matrix.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: ['default', './scripts/count-reporter.ts'],
  },
});
