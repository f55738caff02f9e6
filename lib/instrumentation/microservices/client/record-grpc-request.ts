import { type Context, context, SpanKind } from '@opentelemetry/api';

import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo } from '../../../process/undo-all.js';
import { writeCarrier } from '../carrier.js';
import { describeCall, type OperationDescription } from '../descriptions.js';
import { grpcStatusOf } from '../grpc-status.js';
import { failureOf, isMicroservicesEnabled, Operation } from '../operation.js';
import { serverAddressOf } from '../transports.js';

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
  const undo = Object.keys(prototype)
    .filter((name) => isGrpcMethod(Reflect.get(prototype, name)))
    .map((name) =>
      patch<GrpcMethod>(prototype, name, (original) =>
        recordingMethod(original, describeCall(SpanKind.CLIENT, 'grpc', original.path.slice(1), server)),
      ),
    );
  return [() => Reflect.deleteProperty(prototype, INSTRUMENTED), ...undo];
}

function recordingMethod(original: GrpcMethod, description: OperationDescription): GrpcMethod {
  const recording: AnyMethod = function (...args) {
    if (!isMicroservicesEnabled() || isTracingSuppressed(context.active())) return original.apply(this, args);
    return recordGrpcRequest(description, this, original, args);
  };
  // NestJS and grpc-js read what kind of method it is off the function.
  return Object.assign(recording, original);
}

function isGrpcMethod(value: unknown): value is GrpcMethod {
  return typeof value === 'function' && typeof (value as Partial<GrpcMethod>).path === 'string';
}

/** Records one call from its start to its status, and sends the context along in its metadata. */
function recordGrpcRequest(
  description: OperationDescription,
  client: unknown,
  method: GrpcMethod,
  args: readonly unknown[],
): unknown {
  const caller = context.active();
  const operation = new Operation(description);
  const sent = withMetadata(args, method.requestStream ? 0 : 1, client, operation.context);
  noteError(sent, operation, caller);
  let call: unknown;
  try {
    call = operation.run(() => method.apply(client, sent));
  } catch (error) {
    operation.fail(error);
    throw error;
  }
  // Messages of a stream arrive on a connection that another caller opened.
  if (method.responseStream) context.bind(caller, call);
  (call as GrpcCall).on('status', (status) => {
    const statusCode = grpcStatusOf(status);
    if (statusCode === 'OK') operation.succeed('OK');
    else if (statusCode === 'CANCELLED') operation.cancel('CANCELLED');
    else {
      const { details } = status;
      const message = typeof details === 'string' && details !== '' ? details : statusCode;
      operation.failWithStatus(failureOf('Error', message), statusCode, true);
    }
  });
  return call;
}

/** The callback of a call with one answer gets the failure first, as an error with a stack. */
function noteError(args: unknown[], operation: Operation, caller: Context): void {
  const callback = args.at(-1);
  if (typeof callback !== 'function') return;
  args[args.length - 1] = (error: unknown, ...answer: unknown[]): unknown => {
    const statusCode = grpcStatusOf(error);
    // Without an error the status follows, and after a cancellation.
    if (error !== null && error !== undefined && statusCode !== 'CANCELLED')
      operation.failWithStatus(error, statusCode, true);
    return context.with(caller, () => (callback as AnyMethod)(error, ...answer));
  };
}

/** The arguments with the context in a copy of the metadata, which may be used again. */
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
  if (typeof value !== 'object' || value === null) return false;
  return 'clone' in value && typeof value.clone === 'function' && 'getMap' in value;
}

/**
 * Empty metadata, by the function with which a client of grpc-js completes its arguments: its class
 * cannot be imported here.
 */
function createMetadata(client: unknown): GrpcMetadata | undefined {
  const { checkMetadataAndOptions } = client as { checkMetadataAndOptions?: () => { metadata?: unknown } };
  const metadata = checkMetadataAndOptions?.call(client).metadata;
  return isMetadata(metadata) ? metadata : undefined;
}
