import { type Histogram } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_GRAPHQL_OPERATION_NAME,
  ATTR_GRAPHQL_OPERATION_TYPE,
  METRIC_NESTJS_GRAPHQL_EVENT_DURATION,
  METRIC_NESTJS_GRAPHQL_OPERATION_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createLabels, durations, type Outcome } from './own-instruments.js';

/** A GraphQL operation, or one event of a subscription, that is over. */
export interface GraphqlOperation extends Outcome {
  /** As bounded: names are what clients write. */
  readonly name: string;
  /** `query`, `mutation` or `subscription`; undefined when the request has none. */
  readonly type: string | undefined;
}

const operations = durations(
  METRIC_NESTJS_GRAPHQL_OPERATION_DURATION,
  'Duration of GraphQL operations; of subscriptions, until they are set up.',
);
const events = durations(
  METRIC_NESTJS_GRAPHQL_EVENT_DURATION,
  'Duration of resolving and sending one event of a GraphQL subscription.',
);

const labels = createLabels(ATTR_GRAPHQL_OPERATION_NAME, ATTR_GRAPHQL_OPERATION_TYPE, ATTR_ERROR_TYPE);

/** Records an operation into `nestjs.graphql.operation.duration`, in seconds. */
export function recordGraphqlOperation(operation: GraphqlOperation): void {
  record(operations, operation);
}

/** Records an event of a subscription into `nestjs.graphql.event.duration`, in seconds. */
export function recordGraphqlEvent(operation: GraphqlOperation): void {
  record(events, operation);
}

function record(instrument: Histogram, operation: GraphqlOperation): void {
  const { name, type, errorType, durationSeconds, context } = operation;
  instrument.record(durationSeconds, labels(name, type, errorType), context);
}
