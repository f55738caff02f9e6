import { processWide } from './process-wide.js';

/** In this order: end recordings, write what is queued, and last standard output, which contains what the others log. */
const PHASES = ['record', 'write', 'output'] as const;

export type ProcessEndPhase = (typeof PHASES)[number];

interface ProcessEnd {
  readonly work: Record<ProcessEndPhase, Set<() => void>>;
  listening: boolean;
}

const state = processWide<ProcessEnd>('process-end', () => ({
  work: { record: new Set(), write: new Set(), output: new Set() },
  listening: false,
}));

/**
 * Calls `work` when the process ends: at its `exit` event, and before a signal ends it. It has to be
 * synchronous, and may be called more than once. Returns a function that undoes it.
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
        // The process ends: the error cannot be reported, and the other work must still run.
      }
    }
  }
}
