/** Claims: the store of the simulation keeps what `conformance.ts` claims of every store. Oracle: see there. */
import { describe } from 'vitest';
import { MemoryDatabase } from '../support/memory-store.js';
import { conformance } from './conformance.js';

describe('the store in memory', () => {
  conformance(() => {
    const database = new MemoryDatabase();
    return Promise.resolve(() => Promise.resolve(database.open()));
  });
});
