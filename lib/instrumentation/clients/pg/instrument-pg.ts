import { defineInstrumentation } from '../../define-instrumentation.js';
import { isWrappedByOthers, patchMethod } from '../patch-method.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import { type PgClient, type PgConnect, type PgModule, type PgQuery } from './pg-module.interface.js';
import { connectPool } from './record-pool-wait.js';
import { recordQuery } from './record-query.js';

const PG = fileOf('pg', 'lib/index.js');

export const pg = defineInstrumentation({
  packages: ['pg'],
  clients: { pg: { replaces: ['@opentelemetry/instrumentation-pg'], start: patchPg } },
  patch: patchPg,
});

/**
 * Gives each pg query made inside a span a CLIENT span, `SELECT users`, and shows who waited for a connection of a pool.
 * Patches prototypes, so pools and clients that exist already are covered. Without an argument every copy of pg that is or
 * will be loaded is patched; pass the module where it cannot be found: in a bundle or in jest. Returns the undo.
 */
export function patchPg(pg?: PgModule): () => void {
  return pg === undefined ? whenModuleLoaded(PG, patchIfPg) : patchModule(pg);
}

function patchIfPg(exports: unknown): InstrumentedCopy | UnrecordedCopy {
  if (!isPgModule(exports)) return UNKNOWN_SHAPE;
  return isWrappedByOthers(exports.Client.prototype.query)
    ? RECORDED_BY_OTHERS
    : { undo: patchModule(exports) };
}

function patchModule({ Client, Pool }: PgModule): () => void {
  // Somebody else's instrumentation of pg: what it does for queries it does for pools.
  if (isWrappedByOthers(Client.prototype.query)) return () => undefined;
  const undo = [patchClient(Client.prototype)];
  const pool = Pool === undefined ? undefined : ownerOfConnect(Pool.prototype);
  if (pool !== undefined) undo.push(patchPool(pool));
  return () => {
    for (const restore of undo) restore();
  };
}

function patchClient(prototype: PgClient): () => void {
  return patchMethod<PgQuery>(
    prototype,
    'query',
    (original, patch) =>
      function (...args) {
        return patch.active ? recordQuery(this, original, args) : original.apply(this, args);
      },
  );
}

function patchPool(prototype: object): () => void {
  return patchMethod<PgConnect>(
    prototype,
    'connect',
    (original, patch) =>
      function (...args) {
        return patch.active ? connectPool(this, original, args) : original.apply(this, args);
      },
  );
}

/** pg gives each of its clients (JavaScript, native) a Pool of its own; they share the prototype of pg-pool. */
function ownerOfConnect(start: object): object | undefined {
  for (
    let level: object | null = start;
    level !== null;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    if (Object.hasOwn(level, 'connect')) return level;
  }
  return undefined;
}

function isPgModule(value: unknown): value is PgModule {
  if (typeof value !== 'object' || value === null || !('Client' in value)) return false;
  const { Client } = value;
  return (
    typeof Client === 'function' &&
    typeof (Client.prototype as Partial<PgModule['Client']['prototype']>).query === 'function'
  );
}
