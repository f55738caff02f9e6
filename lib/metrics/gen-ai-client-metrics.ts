import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_GEN_AI_TOKEN_TYPE,
  GEN_AI_DURATION_BUCKETS_SECONDS,
  GEN_AI_TOKEN_BUCKETS,
  METRIC_GEN_AI_CLIENT_OPERATION_DURATION,
  METRIC_GEN_AI_CLIENT_TOKEN_USAGE,
} from '../config/semantic-conventions.constants.js';
import { histogram } from './instruments.js';
import { durations, INSTRUMENTATION_SCOPE, type Outcome } from './own-instruments.js';

const duration = durations(
  METRIC_GEN_AI_CLIENT_OPERATION_DURATION,
  'Duration of calls to language models.',
  GEN_AI_DURATION_BUCKETS_SECONDS,
);

const tokens = histogram(INSTRUMENTATION_SCOPE, METRIC_GEN_AI_CLIENT_TOKEN_USAGE, {
  description: 'Tokens of prompts and answers.',
  unit: '{token}',
  advice: { explicitBucketBoundaries: GEN_AI_TOKEN_BUCKETS },
});

/** How a call to a language model ended. */
export interface ModelCallOutcome extends Outcome {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
}

/** Records the seconds and the tokens of a call. */
export function recordModelCall(labels: Attributes, outcome: ModelCallOutcome): void {
  const { durationSeconds, errorType, inputTokens, outputTokens, context } = outcome;
  const failed = errorType === undefined ? {} : { [ATTR_ERROR_TYPE]: errorType };
  duration.record(durationSeconds, { ...labels, ...failed }, context);
  if (inputTokens !== undefined)
    tokens.record(inputTokens, { ...labels, [ATTR_GEN_AI_TOKEN_TYPE]: 'input' }, context);
  if (outputTokens !== undefined)
    tokens.record(outputTokens, { ...labels, [ATTR_GEN_AI_TOKEN_TYPE]: 'output' }, context);
}
