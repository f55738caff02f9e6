// What the benches of the store share: its modules, bounds that are never reached, and how the processor time of a step is measured.
export const load = (path) => import(new URL(`../dist/modules/dashboard/sqlite/${path}.js`, import.meta.url));

export const MIB = 2 ** 20;
export const NO_BOUND = {
  maxAgeMs: 14 * 864e5,
  maxBytes: 1_024 * MIB,
  maxSpans: 1e7,
  maxLogs: 1e7,
  maxPoints: 1e7,
};

/** Processor time of this thread in milliseconds: other work of the machine does not count. */
export const threadCpuMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/** Measures the processor time of this thread between two turns of the event loop; `stop()` gives those that took any, in milliseconds. */
export function watchSteps(nextTurn) {
  const steps = [];
  let before = threadCpuMs();
  let isOver = false;
  const look = () => {
    const now = threadCpuMs();
    steps.push(now - before);
    before = now;
    if (!isOver) nextTurn(look);
  };
  nextTurn(look);
  return () => {
    isOver = true;
    return steps;
  };
}
