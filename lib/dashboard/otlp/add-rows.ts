import { type TelemetrySink } from '../dashboard-context.interface.js';
import { type ReadItems } from './read-items.js';

/** Rows that are added before others have their turn. */
const SLICE = 1_000;
/** Rows that may wait in the store while further ones are added: the application's own need room, too. */
const MAX_QUEUED = 10_000;
/** A store that is not written for so long refuses further rows. */
const MAX_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** Adds rows no faster than the store writes them; those that it refuses are counted as rejected. */
export async function addRows<Row>(
  store: TelemetrySink,
  { rows, rejected, reason }: ReadItems<Row>,
  add: (row: Row) => void,
): Promise<ReadItems<Row>> {
  let refused = 0;
  for (let from = 0; from < rows.length; from += SLICE) {
    await waitForRoom(store);
    const before = store.dropped;
    for (const row of rows.slice(from, from + SLICE)) add(row);
    refused += store.dropped - before;
  }
  if (refused === 0) return { rows, rejected, reason };
  return { rows, rejected: rejected + refused, reason: 'the store is full for the moment' };
}

async function waitForRoom(store: TelemetrySink): Promise<void> {
  const until = performance.now() + MAX_WAIT_MS;
  while (store.queued > MAX_QUEUED && performance.now() < until)
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
}
