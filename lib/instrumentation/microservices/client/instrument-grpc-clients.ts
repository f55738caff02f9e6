import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { recordsMicroservices } from '../active-switch.js';
import { overrideMethod, type Undo } from '../override-method.js';
import { type OperationDescription } from '../operation.js';
import { describeGrpcRequest } from './describe-call.js';
import { recordGrpcRequest } from './record-grpc-request.js';
import { serverAddressOf } from './server-address.js';

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
 * Records the calls of the stubs that a gRPC client of NestJS has handed out: on grpc-js's own clients below them, since
 * each subscription is a call there.
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
    .map((name) => overrideMethod(prototype, name, (original) => recordingMethod(original, describe)));
  return [() => Reflect.deleteProperty(prototype, INSTRUMENTED), ...undo];
}

function recordingMethod(original: AnyMethod, describe: (path: string) => OperationDescription): AnyMethod {
  const { path, requestStream, responseStream } = original as GrpcMethod;
  const description = describe(path);
  const recording: AnyMethod = function (...args) {
    if (!recordsMicroservices() || isTracingSuppressed(context.active())) return original.apply(this, args);
    return recordGrpcRequest(description, this, original, args, { requestStream, responseStream });
  };
  // NestJS and grpc-js read what kind of method it is off the function.
  return Object.assign(recording, original);
}

function isGrpcMethod(value: unknown): value is GrpcMethod {
  return typeof value === 'function' && typeof (value as Partial<GrpcMethod>).path === 'string';
}
