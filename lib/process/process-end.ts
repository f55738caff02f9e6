import { processWide } from './process-wide.js';

/**
 * In this order: end what is recorded, write what waits, and last standard output, which carries what the
 * others log.
 */
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

/** Does everything that `atProcessEnd()` was given. Never throws. */
export function runProcessEnd(): void {
  for (const phase of PHASES) {
    for (const work of state.work[phase]) {
      try {
        work();
      } catch {
        // The process ends: nobody is left to be told, and the others have to have their turn.
      }
    }
  }
}
