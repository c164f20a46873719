/**
 * Claim: a page can load this library: nothing that it imports, at any depth, is a module of Node. Oracle: a bundler that
 * builds for browsers.
 */
import { join } from 'node:path';
import { build } from 'vite';
import { expect, it } from 'vitest';

it('is built for a browser', async () => {
  const external: string[] = [];
  await build({
    ...{ configFile: false, logLevel: 'silent', root: import.meta.dirname },
    resolve: { conditions: ['@consilium/source', 'module', 'browser'] },
    plugins: [
      {
        name: 'seen',
        enforce: 'pre',
        resolveId: (id) => {
          if (id.startsWith('node:')) external.push(id);
          return null;
        },
      },
    ],
    build: {
      ...{ write: false, minify: false },
      lib: { entry: join(import.meta.dirname, 'index.ts'), formats: ['es'] },
    },
  });
  expect(external).toEqual([]);
});
