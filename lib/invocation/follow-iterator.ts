import { types } from 'node:util';

import { isRunningPromise } from './follow-promise.js';
import { patchMembers } from './patched-members.js';
import { type Settlement } from './settlement.js';

type Step = (this: unknown, ...args: unknown[]) => unknown;
type StepName = 'next' | 'return' | 'throw';

export type FollowableIterator = object & { next: Step; return?: unknown; throw?: unknown };

/** True for generators, built-in iterators and hand-written ones, asynchronous or not; collections are not iterators. */
export function isIterator(value: object): value is FollowableIterator {
  if (types.isGeneratorObject(value)) return true;
  const candidate = value as Partial<
    Record<'next' | typeof Symbol.iterator | typeof Symbol.asyncIterator, unknown>
  >;
  if (typeof candidate.next !== 'function') return false;
  return (
    typeof candidate[Symbol.iterator] === 'function' ||
    typeof candidate[Symbol.asyncIterator] === 'function' ||
    // A page of results may carry a `next` too; an iterator without the symbols carries nothing else.
    Reflect.ownKeys(value).every((key) => key === 'next' || key === 'return' || key === 'throw')
  );
}

/**
 * Settles when the iterator is exhausted (success), throws (error) or is left early (`return()`: cancelled). Its steps
 * run inside the context of the call; the same object is returned, its methods replaced until it settles.
 */
export function followIterator<T extends FollowableIterator>(iterator: T, settlement: Settlement): T {
  const step = (name: StepName, original: Step): Step =>
    function (this: unknown, ...args) {
      if (settlement.settled) return original.apply(this, args);
      try {
        const result = settlement.run(() => original.apply(this, args));
        return isPromise(result) ? afterwards(name, result) : inspect(name, result);
      } catch (error) {
        end(() => {
          settlement.fail(error);
        });
        throw error;
      }
    };
  const afterwards = (name: StepName, result: Promise<unknown>): Promise<unknown> =>
    result.then(
      (value) => inspect(name, value),
      (error: unknown) => {
        end(() => {
          settlement.fail(error);
        });
        throw error;
      },
    );
  const inspect = (name: StepName, result: unknown): unknown => {
    if (isUnfinished(result)) return result;
    end(() => {
      if (name === 'return') settlement.cancel();
      else settlement.succeed();
    });
    return result;
  };
  const end = (settle: () => void): void => {
    patched?.restore();
    settle();
  };
  // Without a `return` a loop leaves an iterator silently; an own one makes leaving it visible.
  const leave: Step = (value) => ({ done: true, value });
  const members: Record<string, unknown> = { next: step('next', iterator.next) };
  members.return = step('return', typeof iterator.return === 'function' ? (iterator.return as Step) : leave);
  if (typeof iterator.throw === 'function') members.throw = step('throw', iterator.throw as Step);
  const patched = patchMembers(iterator, members);
  if (patched === undefined) settlement.succeed(iterator);
  return iterator;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && isRunningPromise(value);
}

/** `next` of a database cursor may return rows instead of iterator results; such an object cannot be followed further. */
function isUnfinished(result: unknown): boolean {
  if (typeof result !== 'object' || result === null) return false;
  return ('done' in result || 'value' in result) && (result as IteratorResult<unknown>).done !== true;
}
