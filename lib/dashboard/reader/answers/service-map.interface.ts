import { type FieldFilter } from '../field-filter.js';
import { type CoverageAnswer } from './answer-parts.interface.js';

/** A `service` has recorded spans. A `host` has none, and is known from the calls to its address only. */
export type MapNodeKind = 'service' | 'database' | 'queue' | 'host';

/** What calls, or is called. */
export interface MapNodeAnswer {
  /** Tells the nodes of an answer apart. */
  readonly id: string;
  readonly kind: MapNodeKind;
  /**
   * Of a database its namespace, of a queue its destination, of a host its address with the port; the address or the system where there is
   * none.
   */
  readonly name: string;
  /** `postgresql`, `kafka`, `grpc`; undefined of a service, and where it is not known. */
  readonly system: string | undefined;
  /** Host and port of a database that has another name. */
  readonly address: string | undefined;
  /** With which `traces()` finds the calls of it; none of a service. */
  readonly conditions: readonly FieldFilter[];
}

/**
 * Calls between two nodes. The spans of the caller count, also those of which the other side recorded nothing; where it is a queue or not
 * recorded, those of the service that was entered.
 */
export interface MapEdgeAnswer {
  /** `id` of a node; undefined: no recorded span called. */
  readonly from: string | undefined;
  /** `id` of a node; the same as `from` of a service that calls itself. */
  readonly to: string;
  /** `message`: nothing waits for it to be processed. */
  readonly kind: 'call' | 'message';
  readonly count: number;
  /** Calls per second of the time that is covered. */
  readonly perSecond: number;
  readonly errors: number;
  /** To a queue of the sending, from a queue of the processing. */
  readonly p95: number;
  /**
   * What the spans that count have in common: with it, and the service whose spans they are as `spanService`, `traces()` finds them. Empty
   * where they have no attribute in common: then the traces have them in which both services took part, and others perhaps.
   */
  readonly conditions: readonly FieldFilter[];
  /** The span that took longest of those that are counted. */
  readonly slowest: { readonly traceId: string; readonly spanId: string };
}

/** What calls what, the edges with the most calls first. */
export interface ServiceMapAnswer extends CoverageAnswer {
  /** Those of the edges, and services without any: at most 1,000. */
  readonly nodes: readonly MapNodeAnswer[];
  readonly edges: readonly MapEdgeAnswer[];
  /** How many edges there are in all. */
  readonly total: number;
}
