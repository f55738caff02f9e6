/** A question on its way; says in the end what the answer is. */
interface Waiting {
  /** Does the next step; returns whether it was the last one. Never throws. */
  readonly step: () => boolean;
}

/**
 * Answers questions side by side: one step of one of them in each round of the event loop, so that a page that asks many holds it
 * up no longer than one that asks one.
 */
export class Questions {
  private readonly waiting: Waiting[] = [];

  /** Resolves with the answer once `next` says that there is one; rejects with what it throws. */
  ask<T>(next: () => IteratorResult<undefined, T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const step = (): boolean => {
        try {
          const { done, value } = next();
          if (done === true) resolve(value);
          return done === true;
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return true;
        }
      };
      if (this.waiting.push({ step }) === 1) setImmediate(this.run);
    });
  }

  private readonly run = (): void => {
    const [first] = this.waiting;
    const isDone = first?.step();
    this.waiting.shift();
    if (first !== undefined && isDone === false) this.waiting.push(first);
    if (this.waiting.length > 0) setImmediate(this.run);
  };
}
