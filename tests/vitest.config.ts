/** One vitest process for the whole workspace; libraries are resolved to their sources, applications' processes run from dist. */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './count-reporter.js';

const conditions = ['@consilium/source', 'module', 'node', 'development|production'];

export default defineConfig({
  root: join(import.meta.dirname, '..'),
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['libs/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    // Most of the time is spent in processes that the tests start: a core that only waits for them is a core lost.
    maxWorkers: '100%',
    // Of the tests that say so: most of a fault is waiting for a process to start and for a line to come back.
    maxConcurrency: 4,
    testTimeout: 60_000,
    hookTimeout: 240_000,
    reporters: ['default', new CountReporter()],
  },
});
