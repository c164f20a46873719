/**
 * Preloaded into a process (`--import`): its wall clock jumps a day forwards after a second and a half, and two days back a
 * second later. Monotonic clocks go on, as they do when an operator or a time server sets the clock.
 */
const DAY_MS = 86_400_000;
const trueNow = Date.now.bind(Date);
const startedMs = performance.now();

Date.now = (): number => {
  const elapsedMs = performance.now() - startedMs;
  const jumpMs = elapsedMs > 2_500 ? -DAY_MS : elapsedMs > 1_500 ? DAY_MS : 0;
  return trueNow() + jumpMs;
};
