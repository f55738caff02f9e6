import { type DashboardParts } from '../dashboard-context.interface.js';
import { type HttpRequest } from '../http/http-exchange.interface.js';
import { type QueryParameters } from './query-parameters.js';

/** One question to the API. */
export interface ApiCall {
  readonly parts: DashboardParts;
  readonly query: QueryParameters;
  /** What stands in the variable parts of the path. */
  readonly params: readonly string[];
  readonly request: HttpRequest;
}

/** Answers one address; undefined means that there is no such thing (404). */
export type ApiHandler = (call: ApiCall) => unknown;

export interface ApiRouteDefinition {
  readonly method: 'GET' | 'POST';
  /** `:` stands for whatever is there. */
  readonly segments: readonly string[];
  readonly handle: ApiHandler;
}
