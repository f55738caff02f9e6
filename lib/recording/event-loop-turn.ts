import { setImmediate } from 'node:timers';

let count = 0;
let scheduled = false;
let lastMark = -1;
let callbacks: { readonly mark: number; readonly callback: () => void }[] = [];

/** Marks the current turn of the event loop, for `isTurnOver()`. */
export function markTurn(): number {
  // Ours runs after all immediates that were set before it; one that is set already is too early for those since.
  if (scheduled) lastMark = count + 1;
  else {
    lastMark = count;
    schedule();
  }
  return lastMark;
}

/** Whether everything that was due in the marked turn has run: callbacks, and immediates that were set before the mark. */
export function isTurnOver(mark: number): boolean {
  return count > mark;
}

/** Calls `callback` when the turn that was marked last is over. It must not throw. */
export function afterTurn(callback: () => void): void {
  const mark = scheduled ? lastMark : markTurn();
  callbacks.push({ mark, callback });
}

function schedule(): void {
  scheduled = true;
  // EventEmitter2 returns its immediates to whoever emits, who may write them as JSON, and an immediate leads to the next one.
  Object.assign(setImmediate(countUp), { toJSON: noJson });
}

function noJson(): undefined {
  return undefined;
}

function countUp(): void {
  count += 1;
  scheduled = false;
  if (lastMark >= count) schedule();
  if (callbacks.length === 0) return;
  const waiting = callbacks;
  callbacks = waiting.filter(({ mark }) => !isTurnOver(mark));
  for (const { mark, callback } of waiting) if (isTurnOver(mark)) callback();
}
