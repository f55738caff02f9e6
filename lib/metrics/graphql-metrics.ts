import { type Attributes, type Context, type Histogram } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_GRAPHQL_OPERATION_NAME,
  ATTR_GRAPHQL_OPERATION_TYPE,
  DURATION_BUCKETS_SECONDS,
  METRIC_NESTJS_GRAPHQL_EVENT_DURATION,
  METRIC_NESTJS_GRAPHQL_OPERATION_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createAttributeSets, histogram, INSTRUMENTATION_SCOPE } from './instruments.js';

/** A GraphQL operation, or one event of a subscription, that is over. */
export interface GraphqlOperation {
  /** As bounded: names are what clients write. */
  readonly name: string;
  /** `query`, `mutation` or `subscription`; undefined when the request named none that could be found. */
  readonly type: string | undefined;
  /** What went wrong; class names and codes, never messages. */
  readonly errorType?: string | undefined;
  readonly durationSeconds: number;
  /** The context of the operation, so that the measurement knows its span. Default: the active one. */
  readonly context?: Context | undefined;
}

const operations = histogram(INSTRUMENTATION_SCOPE, METRIC_NESTJS_GRAPHQL_OPERATION_DURATION, {
  description: 'Duration of GraphQL operations; of subscriptions, until they are set up.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const events = histogram(INSTRUMENTATION_SCOPE, METRIC_NESTJS_GRAPHQL_EVENT_DURATION, {
  description: 'Duration of resolving and sending one event of a GraphQL subscription.',
  unit: 's',
  advice: { explicitBucketBoundaries: DURATION_BUCKETS_SECONDS },
});

const attributeSets = createAttributeSets();

/** Records an operation into `nestjs.graphql.operation.duration`, in seconds. */
export function recordGraphqlOperation(operation: GraphqlOperation): void {
  record(operations, operation);
}

/** Records an event of a subscription into `nestjs.graphql.event.duration`, in seconds. */
export function recordGraphqlEvent(operation: GraphqlOperation): void {
  record(events, operation);
}

function record(instrument: Histogram, operation: GraphqlOperation): void {
  const { name, type = '', errorType = '', durationSeconds, context } = operation;
  const attributes = attributeSets(`${type} ${name} ${errorType}`, () => attributesOf(operation));
  instrument.record(durationSeconds, attributes, context);
}

function attributesOf({ name, type, errorType }: GraphqlOperation): Attributes {
  return {
    [ATTR_GRAPHQL_OPERATION_NAME]: name,
    ...(type !== undefined && { [ATTR_GRAPHQL_OPERATION_TYPE]: type }),
    ...(errorType !== undefined && { [ATTR_ERROR_TYPE]: errorType }),
  };
}
