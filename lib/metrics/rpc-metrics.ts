import { type Attributes, type Histogram } from '@opentelemetry/api';

import {
  ATTR_ERROR_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  ATTR_NESTJS_TRANSPORT,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_RPC_CLIENT_CALL_DURATION,
  METRIC_RPC_SERVER_CALL_DURATION,
} from '../config/semantic-conventions.constants.js';
import { createLabels, durations, type Outcome, processing, sending } from './own-instruments.js';

/** How a call or message ended, and how long it took. */
export interface RpcOutcome extends Outcome {
  /** The status of a gRPC call. */
  readonly statusCode: string | undefined;
}

/** Makes the measurement of what has these attributes, each of bounded variety, in common. */
type Measurement = (attributes: Attributes) => (outcome: RpcOutcome) => void;

function measuredBy(duration: Histogram, ...names: readonly string[]): Measurement {
  const labels = createLabels(...names, ATTR_RPC_STATUS_CODE, ATTR_ERROR_TYPE);
  return (attributes) => {
    // None of them is a list.
    const values = names.map((name) => attributes[name] as string | number | undefined);
    return ({ durationSeconds, statusCode, errorType, context }) => {
      duration.record(durationSeconds, labels(...values, statusCode, errorType), context);
    };
  };
}

const CALL = [
  ATTR_RPC_SYSTEM_NAME,
  ATTR_RPC_METHOD,
  ATTR_NESTJS_TRANSPORT,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
];
const MESSAGE = [
  ATTR_MESSAGING_SYSTEM,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
];

/** Calls that this process answers: `rpc.server.call.duration`, in seconds. */
export const measureServerCalls = measuredBy(
  durations(METRIC_RPC_SERVER_CALL_DURATION, 'Duration of incoming remote procedure calls.'),
  ...CALL,
);
/** Calls that this process makes: `rpc.client.call.duration`, in seconds. */
export const measureClientCalls = measuredBy(
  durations(METRIC_RPC_CLIENT_CALL_DURATION, 'Duration of outgoing remote procedure calls.'),
  ...CALL,
);
/** Messages that this process handles: `messaging.process.duration`, in seconds. */
export const measureProcessing = measuredBy(processing, ...MESSAGE);
/** Messages that this process sends: `messaging.client.operation.duration`, in seconds. */
export const measureSending = measuredBy(sending, ...MESSAGE);
