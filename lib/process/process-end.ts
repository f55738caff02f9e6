import { processWide } from './process-wide.js';

/**
 * In this order: end recordings, write queues, and then standard output, to which the others log.
 */
const PHASES = ['record', 'write', 'output'] as const;

export type ProcessEndPhase = (typeof PHASES)[number];

const state = processWide('process-end', () => ({
  work: { record: new Set<() => void>(), write: new Set<() => void>(), output: new Set<() => void>() },
  listening: false,
}));

/**
 * Calls `work` at the `exit` event of the process, and before a signal ends it. It has to be
 * synchronous, and may be called more than once. Returns the undo.
 */
export function atProcessEnd(phase: ProcessEndPhase, work: () => void): () => void {
  state.work[phase].add(work);
  if (!state.listening) {
    state.listening = true;
    process.on('exit', runProcessEnd);
  }
  return () => {
    state.work[phase].delete(work);
  };
}

/** Runs the work of all `atProcessEnd()` calls. Never throws. */
export function runProcessEnd(): void {
  for (const phase of PHASES) {
    for (const work of state.work[phase]) {
      try {
        work();
      } catch {
        // The error cannot be reported any more, and the other work must still run.
      }
    }
  }
}
