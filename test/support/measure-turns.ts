import { processCpuMs } from './cpu-time.js';

/** The longest turn of the event loop while `work` runs, and all of them, in CPU time. */
export async function measureTurns(
  work: () => Promise<unknown>,
): Promise<{ longestMs: number; allMs: number }> {
  const started = processCpuMs();
  let before = started;
  let longestMs = 0;
  let running = true;
  const endTurn = (): void => {
    const now = processCpuMs();
    longestMs = Math.max(longestMs, now - before);
    before = now;
    if (running) setImmediate(endTurn);
  };
  setImmediate(endTurn);
  await work();
  running = false;
  endTurn();
  return { longestMs, allMs: processCpuMs() - started };
}
