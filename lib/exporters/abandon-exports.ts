const running = new Set<() => void>();

/** Registers how an exporter breaks off what it is sending, for when nobody waits for it any more. */
export function onAbandonedExports(breakOff: () => void): void {
  running.add(breakOff);
}

/**
 * Breaks off what the exporters of this process still send, or would try again: after the shutdown nobody waits for it,
 * and its sockets and timers would keep the process alive for seconds.
 */
export function abandonExports(): void {
  for (const breakOff of running) breakOff();
  running.clear();
}
