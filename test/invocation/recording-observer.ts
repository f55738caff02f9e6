import type { ResultObserver } from '../../lib/invocation/settlement.js';

/** An observer that writes down every ending it is told, and how often a step ran inside the call. */
export class RecordingObserver implements ResultObserver {
  readonly endings: unknown[][] = [];
  steps = 0;
  private depth = 0;

  get inside(): boolean {
    return this.depth > 0;
  }

  onSuccess(...value: unknown[]): void {
    this.endings.push(['success', ...value]);
  }

  onError(error: unknown): void {
    this.endings.push(['error', error]);
  }

  onCancel(): void {
    this.endings.push(['cancel']);
  }

  run<R>(step: () => R): R {
    this.steps += 1;
    this.depth += 1;
    try {
      return step();
    } finally {
      this.depth -= 1;
    }
  }
}
