import { type InstrumentationSwitch } from '../config/instrumentation.js';

/** Turns an instrumentation off again; calling it more than once is harmless. */
export type UndoInstrumentation = () => void;

/** One client library, as far as it is recorded by itself. */
export interface RecordedClient {
  /**
   * OpenTelemetry instrumentations of the same calls: when the application passes one of them, ours
   * stays off.
   */
  readonly replaces?: readonly string[];
  /** Turns it on for the whole process, whether the library is loaded or not yet. */
  readonly start: () => UndoInstrumentation;
}

/**
 * An instrumentation of calls to other systems, which needs no Nest application. `M` is the module
 * that `patch` takes.
 */
export interface ClientInstrumentation<M = never, O = never, C = boolean> extends InstrumentationSwitch<
  O,
  C
> {
  /** The packages whose calls are recorded: never dependencies of this one. */
  readonly packages: readonly string[];
  /** By the name under which each is listed where its state is shown. */
  readonly clients: Readonly<Record<string, RecordedClient>>;
  /**
   * Patches one copy of a library that cannot be found by its file: in a bundle or in jest.
   * Default: nothing can be passed.
   *
   * @throws whatever comes of a value that is no such module
   */
  patch?(module: M): UndoInstrumentation;
}

/**
 * Declares what one switch of `instrumentation` turns on; `registry.ts` lists it, and everything
 * else follows from there: its option and the rule of it, `instrument()` and `instrumentAll()`, and
 * what an OpenTelemetry instrumentation replaces.
 */
export function defineInstrumentation<M = never, O = never, C = boolean>(
  definition: ClientInstrumentation<M, O, C>,
): ClientInstrumentation<M, O, C>;
export function defineInstrumentation<O = never, C = boolean>(
  definition: InstrumentationSwitch<O, C>,
): InstrumentationSwitch<O, C>;
export function defineInstrumentation(definition: InstrumentationSwitch): InstrumentationSwitch {
  return Object.freeze(definition);
}
