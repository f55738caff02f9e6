import { isProduction } from '../../config/identity.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { type AnyMethod } from '../../invocation/wrap-method.js';
import { type StorePipeline } from '../feed/store-pipeline.js';
import { type DeclaredFunction } from '../sqlite/rows.interface.js';
import { locateFunctions } from './locate-functions.js';
import { type SourceLocation, SourceMaps } from './source-maps.js';

/** How often new methods are looked for while the dashboard is viewed: modules can be loaded lazily. */
const POLL_MS = 10_000;

/** Whether source links can be followed. Another process may serve the page of one that serves none. */
export function sourceLinksEnabled({ dashboard, environment }: TelemetryConfig): boolean {
  return dashboard === undefined ? !isProduction(environment) : dashboard.editor !== undefined;
}

/**
 * Stores where methods that have spans were written, while the stored telemetry is viewed: finding out
 * blocks the event loop for longer than a request should wait. Returns a function that ends it.
 *
 * @param findMethods lists the methods that have spans
 */
export function publishSources(
  pipeline: StorePipeline,
  findMethods: () => readonly WrittenMethod[],
): () => void {
  const finder = new SourceFinder(findMethods);
  const poll = async (): Promise<void> => {
    const functions = await finder.find();
    if (functions !== undefined) pipeline.declareFunctions(functions);
  };
  return pipeline.store.whileViewed(POLL_MS, () => {
    poll().catch((error: unknown) => {
      warnOnce('sources', `The dashboard cannot link to the source of spans: ${String(error)}.`);
    });
  });
}

/** A method that has spans. */
export interface WrittenMethod {
  /** The name of its spans, for example `OrderService.process`. */
  readonly name: string;
  readonly method: AnyMethod;
  /** Its class; undefined where that is not known. */
  readonly writtenIn: AnyMethod | undefined;
}

/** Finds out where the methods that have spans were written. */
class SourceFinder {
  /** null: it is nowhere that could be opened. */
  private readonly known = new WeakMap<AnyMethod, SourceLocation | null>();

  /** @param findMethods lists the methods that have spans */
  constructor(private readonly findMethods: () => readonly WrittenMethod[]) {}

  /**
   * Where every method is; undefined when there is none that was not there the last time. Costs some hundred milliseconds
   * otherwise, most of them at a stretch: see `locateFunctions()`. Never rejects.
   */
  async find(): Promise<readonly DeclaredFunction[] | undefined> {
    const methods = this.findMethods();
    const fresh = new Set<AnyMethod>();
    for (const { method, writtenIn } of methods) {
      if (this.known.has(method)) continue;
      fresh.add(method);
      if (writtenIn !== undefined && !this.known.has(writtenIn)) fresh.add(writtenIn);
    }
    if (fresh.size === 0) return undefined;
    await this.locate([...fresh]);
    return methods.flatMap((method) => {
      const location = this.locationOf(method);
      return location ? [{ name: method.name, ...location }] : [];
    });
  }

  private async locate(functions: readonly AnyMethod[]): Promise<void> {
    const locations = await locateFunctions(functions);
    const maps = new SourceMaps();
    for (const [index, each] of functions.entries()) {
      const location = locations[index];
      this.known.set(each, (location && (await maps.find(location))) ?? null);
    }
  }

  /** A method in another file than its class was put there by a decorator: the class is the nearest known place. */
  private locationOf({ method, writtenIn }: WrittenMethod): SourceLocation | null | undefined {
    const own = this.known.get(method);
    const ofClass = writtenIn && this.known.get(writtenIn);
    return ofClass && own?.file !== ofClass.file ? ofClass : own;
  }
}
