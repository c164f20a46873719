/** The page as files: scripts, styles and nothing from elsewhere. The coordinator serves `dist`. */
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // The page may lie below a path of a proxy.
  base: './',
  plugins: [react()],
  resolve: { conditions: ['@consilium/source', 'module', 'browser', 'development|production'] },
  build: {
    outDir: join(import.meta.dirname, 'dist'),
    // The compiler keeps its own files there; deploy/setup.mjs clears the rest.
    emptyOutDir: false,
    // A strict content security policy admits no data: URL and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
