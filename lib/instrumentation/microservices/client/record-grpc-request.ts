import { type Context, context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo } from '../../../process/undo-all.js';
import { writeCarrier } from '../carrier.js';
import { nameGrpcStatus } from '../grpc-status.js';
import { isMicroservicesEnabled, Operation, type OperationDescription } from '../operation.js';
import { serverAddressOf } from '../transports.js';
import { describeGrpcRequest } from './describe-call.js';

/** What is used of the metadata of grpc-js. */
interface GrpcMetadata {
  clone(): GrpcMetadata;
  set(key: string, value: string): void;
}

/** What is used of a call of grpc-js; every kind of call emits its status once. */
interface GrpcCall {
  on(
    event: 'status',
    listener: (status: { readonly code?: unknown; readonly details?: unknown }) => void,
  ): unknown;
}

interface GrpcStreaming {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/**
 * Records one gRPC call from its start to its status, and sends the context along in its metadata.
 */
function recordGrpcRequest(
  description: OperationDescription,
  client: unknown,
  method: AnyMethod,
  args: readonly unknown[],
  { requestStream, responseStream }: GrpcStreaming,
): unknown {
  const caller = context.active();
  const operation = new Operation(description);
  const sent = withCallback(
    withMetadata(args, requestStream ? 0 : 1, client, operation.context),
    operation,
    caller,
  );
  let call: unknown;
  try {
    call = context.with(operation.context, () => method.apply(client, sent));
  } catch (error) {
    operation.fail(error);
    throw error;
  }
  // Messages of a stream come in on a connection that another caller opened.
  if (responseStream) context.bind(caller, call);
  (call as GrpcCall).on('status', ({ code, details }) => {
    const statusCode = nameGrpcStatus(code);
    if (statusCode === 'OK') operation.succeed('OK');
    else if (statusCode === 'CANCELLED') operation.cancel('CANCELLED');
    else operation.fail(statusError(statusCode, details), { statusCode, isError: true });
  });
  return call;
}

/**
 * The callback of a call with one answer learns first what went wrong, as an error with a stack.
 */
function withCallback(args: unknown[], operation: Operation, caller: Context): unknown[] {
  const callback = args.at(-1);
  if (typeof callback !== 'function') return args;
  args[args.length - 1] = (error: unknown, ...answer: unknown[]): unknown => {
    const code: unknown =
      typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    const statusCode = nameGrpcStatus(code);
    // Without an error the status follows; so does cancelled.
    if (error !== null && error !== undefined && statusCode !== 'CANCELLED')
      operation.fail(error, { statusCode, isError: true });
    return context.with(caller, () => (callback as AnyMethod)(error, ...answer));
  };
  return args;
}

function statusError(statusCode: string, details: unknown): Error {
  const error = new Error(typeof details === 'string' && details !== '' ? details : statusCode);
  // The stack would be that of the connection.
  delete error.stack;
  return error;
}

/**
 * The arguments with the context in a metadata of our own: the application may use its metadata
 * again.
 */
function withMetadata(args: readonly unknown[], index: number, client: unknown, from: Context): unknown[] {
  const sent = [...args];
  const carrier = writeCarrier(from);
  if (carrier === undefined) return sent;
  const given = sent[index];
  const metadata = isMetadata(given) ? given.clone() : createMetadata(client);
  if (metadata === undefined) return sent;
  for (const [key, value] of Object.entries(carrier)) metadata.set(key, value);
  sent.splice(index, isMetadata(given) || (given === undefined && index < sent.length) ? 1 : 0, metadata);
  return sent;
}

function isMetadata(value: unknown): value is GrpcMetadata {
  return (
    typeof value === 'object' &&
    value !== null &&
    'clone' in value &&
    typeof value.clone === 'function' &&
    'getMap' in value
  );
}

/**
 * An empty metadata, by the function with which a client of grpc-js completes its arguments; its
 * class cannot be imported here.
 */
function createMetadata(client: unknown): GrpcMetadata | undefined {
  const { checkMetadataAndOptions } = client as { checkMetadataAndOptions?: () => { metadata?: unknown } };
  const metadata = checkMetadataAndOptions?.call(client).metadata;
  return isMetadata(metadata) ? metadata : undefined;
}

/** How grpc-js describes the methods that it generates on the prototype of a service's client. */
interface GrpcMethod {
  (...args: unknown[]): unknown;
  /** `/shop.Orders/Find` */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const INSTRUMENTED = Symbol.for('nestjs-telemetry.grpc-client');

/**
 * Records the calls of the stubs that a gRPC client of NestJS has handed out: on grpc-js's own
 * clients below them, since each subscription is a call there.
 */
export function instrumentGrpcServices(client: object): Undo[] {
  const { clients } = client as { clients?: ReadonlyMap<string, object> };
  return [...(clients?.values() ?? [])].flatMap((service) => instrumentGrpcService(service, client));
}

/** Each NestJS client loads its own definitions: the prototype is that client's alone. */
export function instrumentGrpcService(service: object, client: object): Undo[] {
  const prototype = Object.getPrototypeOf(service) as object;
  if (Object.hasOwn(prototype, INSTRUMENTED)) return [];
  Object.defineProperty(prototype, INSTRUMENTED, { value: true, configurable: true });
  const server = serverAddressOf(client);
  const descriptions = new Map<string, OperationDescription>();
  const describe = (path: string): OperationDescription => {
    let description = descriptions.get(path);
    if (description === undefined) {
      description = describeGrpcRequest(path.slice(1), server);
      descriptions.set(path, description);
    }
    return description;
  };
  const undo = Object.keys(prototype)
    .filter((name) => isGrpcMethod(Reflect.get(prototype, name)))
    .map((name) => patch(prototype, name, (original) => recordingMethod(original, describe)));
  return [() => Reflect.deleteProperty(prototype, INSTRUMENTED), ...undo];
}

function recordingMethod(original: AnyMethod, describe: (path: string) => OperationDescription): AnyMethod {
  const { path, requestStream, responseStream } = original as GrpcMethod;
  const description = describe(path);
  const recording: AnyMethod = function (...args) {
    if (!isMicroservicesEnabled() || isTracingSuppressed(context.active())) return original.apply(this, args);
    return recordGrpcRequest(description, this, original, args, { requestStream, responseStream });
  };
  // NestJS and grpc-js read what kind of method it is off the function.
  return Object.assign(recording, original);
}

function isGrpcMethod(value: unknown): value is GrpcMethod {
  return typeof value === 'function' && typeof (value as Partial<GrpcMethod>).path === 'string';
}
