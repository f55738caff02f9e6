import { type PgClient, type PgModule } from './pg-module.interface.js';
import { findLoadedPg } from './find-loaded-pg.js';
import { recordQuery } from './record-query.js';

const PATCHED = Symbol.for('nestjs-telemetry.pg');

interface PatchedClient extends PgClient {
  [PATCHED]?: boolean;
}

/**
 * Gives each pg query made inside a span a CLIENT span, `SELECT users`. Patches the prototype of `Client`, so pools and
 * clients that exist already are covered. Without an argument every copy of pg that has been loaded is patched; pass
 * the module where it cannot be found: in a bundle, in jest, or when it is loaded later. Returns the undo.
 */
export function patchPg(pg?: PgModule): () => void {
  const undo = (pg === undefined ? findLoadedPg() : [pg]).map(({ Client }) => patchClient(Client.prototype));
  return () => {
    for (const restore of undo) restore();
  };
}

function patchClient(prototype: PatchedClient): () => void {
  if (prototype[PATCHED] === true) return () => undefined;
  const original = prototype.query;
  const patched: PgClient['query'] = function (this: PgClient, ...args) {
    return recordQuery(this, original, args);
  };
  prototype.query = patched;
  prototype[PATCHED] = true;
  return () => {
    // Somebody patched over us: taking ours out from under it would break theirs.
    if (prototype.query === patched) prototype.query = original;
    prototype[PATCHED] = false;
  };
}
