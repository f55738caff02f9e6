import { type QueryParameters } from '../api/question.js';
import { badRequest } from '../http/dashboard-error.js';

/** A page of a list of which the reader gives all, and the cursor of the next one. */
export function takePage<T>(
  all: readonly T[],
  offset: number,
  limit: number,
): { readonly items: readonly T[]; readonly next: string | undefined } {
  const end = offset + limit;
  return { items: all.slice(offset, end), next: end < all.length ? String(end) : undefined };
}

/** Where the page of a cursor of `takePage()` begins. @throws DashboardError 400 for other cursors */
export function readOffset(query: QueryParameters): number {
  const cursor = query.text('before');
  if (cursor === undefined) return 0;
  if (!/^\d{1,6}$/.test(cursor)) throw badRequest('cursor must be `next` of the page before.');
  return Number(cursor);
}
