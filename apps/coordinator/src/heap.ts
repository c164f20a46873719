/**
 * How V8 collects garbage in this process; set before anything else is loaded, because young space grows meanwhile.
 *
 * Chunks, pieces and plaintexts lie outside of V8's heap, and die at once. V8 counts them against a limit that follows its
 * heap, which is small here: left alone it walks the whole heap once for every hospital and round, 40 % of all CPU. The heap
 * may therefore grow by 150 % before it is walked. The memory for that is what young space does not take: it stays at the
 * size that it begins with, for what dies at once dies in 1 MB as well as in 16 (`npm run bench -- round-overhead`,
 * `coordinator-memory`).
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--heap-growing-percent=150');
setFlagsFromString('--semi-space-growth-factor=1');
