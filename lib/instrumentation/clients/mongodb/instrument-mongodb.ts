import { isWrappedByOthers, ownersOf } from '../../../invocation/patch.js';
import { patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
import {
  type CheckOut,
  type MongodbModule,
  recordCommand,
  type SendMongodbCommand,
  type StartSession,
} from './record-command.js';

const CONNECTION = fileOf('mongodb', 'lib/cmap/connection.js');

export const mongodb = defineInstrumentation({
  packages: ['mongodb'],
  clients: { mongodb: { replaces: ['@opentelemetry/instrumentation-mongodb'], start: patchMongodb } },
  patch: patchMongodb,
});

/**
 * Gives each MongoDB command made inside a span a CLIENT span, `find users`, of the driver itself
 * and of Mongoose, TypeORM or MikroORM on it. Patches the prototype of the driver's connections, so
 * clients that exist already are covered, and `monitorCommands` need not be set. Without an
 * argument every copy of mongodb that is or will be loaded is patched; pass the module where it
 * cannot be found: in a bundle or in jest. Returns the undo.
 */
export function patchMongodb(mongodb?: MongodbModule): () => void {
  return mongodb === undefined ? whenModuleLoaded(CONNECTION, patchConnectionModule) : patchModule(mongodb);
}

function patchConnectionModule(exports: unknown): InstrumentedCopy | UnrecordedCopy {
  const { Connection } = exports as { readonly Connection?: { readonly prototype?: { command?: unknown } } };
  const prototype = Connection?.prototype;
  if (typeof prototype?.command !== 'function') return UNKNOWN_SHAPE;
  return isWrappedByOthers(prototype.command) ? RECORDED_BY_OTHERS : { undo: patchCommand(prototype) };
}

function patchCommand(prototype: object): () => void {
  return patch<SendMongodbCommand>(
    prototype,
    'command',
    (original, state) =>
      function (...args) {
        return state.active ? recordCommand(this, original, args) : original.apply(this, args);
      },
    { once: true },
  );
}

/**
 * The module does not export its connections: the first session leads to the pools of its client,
 * and the first connection out of one to their prototype.
 */
function patchModule({ MongoClient }: MongodbModule): () => void {
  const undo: (() => void)[] = [];
  const met = new Set<object>();
  const meet = (prototype: object | undefined, patch: (prototype: object) => () => void): void => {
    if (prototype === undefined || met.has(prototype)) return;
    met.add(prototype);
    undo.push(patch(prototype));
  };
  const patchPool = (prototype: object): (() => void) =>
    patch<CheckOut>(
      prototype,
      'checkOut',
      (original, state) =>
        async function (...args) {
          const connection = await original.apply(this, args);
          if (state.active) meet(ownersOf(connection, 'command').at(-1), patchCommand);
          return connection;
        },
      { once: true },
    );
  undo.push(
    patch<StartSession>(
      MongoClient.prototype,
      'startSession',
      (original, state) =>
        function (...args) {
          if (state.active) {
            for (const { pool } of this.topology?.s?.servers?.values() ?? []) {
              meet(pool && ownersOf(pool, 'checkOut').at(-1), patchPool);
            }
          }
          return original.apply(this, args);
        },
      { once: true },
    ),
  );
  return undoAll(undo);
}
