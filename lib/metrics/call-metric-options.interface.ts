import { type Attributes } from '@opentelemetry/api';

/** What `@Counted()` and `@Timed()` can be told. */
export interface CallMetricOptions {
  /**
   * Name of the instrument. Default: `method.calls` and `method.duration`, shared by all methods, which the label
   * `code.function.name` (`OrderService.process`) then tells apart.
   */
  readonly name?: string;
  /** What the instrument measures, for whoever reads `/metrics`. Default: a general sentence. */
  readonly description?: string;
  /** Labels besides `outcome`: an object, or a function of the arguments. Default: none. Keep their values few. */
  readonly attributes?: Attributes | ((...args: never[]) => Attributes);
  /** Upper bounds of the buckets of a timer, in seconds. Default: 0.005 to 10, as the conventions advise. */
  readonly buckets?: readonly number[];
}

/** A name alone, or the options. */
export type NameOrCallMetricOptions = string | CallMetricOptions;

export function readCallMetricOptions(nameOrOptions: NameOrCallMetricOptions = {}): CallMetricOptions {
  if (typeof nameOrOptions === 'string') return { name: nameOrOptions };
  // JavaScript may pass anything.
  return typeof nameOrOptions === 'object' && (nameOrOptions as unknown) !== null ? nameOrOptions : {};
}
