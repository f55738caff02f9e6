import { EventEmitter } from 'node:events';
import { Duplex, Readable, Stream, Transform, Writable } from 'node:stream';

import { isMarked } from '../../../invocation/wrap-method.js';
import { TRACED_METHOD } from '../../../tracing/trace.decorator.js';
import { type ContainerClass, prototypesOf } from '../../container/container-classes.js';
import { WRAPPED_HANDLER } from '../wrap-handlers.js';

/** Methods that the framework or the language calls. */
const NOT_CALLS = new Set([
  'constructor',
  'then',
  'toJSON',
  'toString',
  'valueOf',
  'inspect',
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
  'canActivate',
  'intercept',
]);

/** Metadata of methods that have a span as an entry point, by the part that records that kind. */
const ENTRY_POINT_METADATA = [
  'method',
  'microservices:pattern',
  'websockets:message_mapping',
  'graphql:resolver_name',
  'graphql:resolver_type',
  'graphql:resolve_reference',
  'EVENT_LISTENER_METADATA',
  'SCHEDULER_TYPE',
  'bullmq:worker_events_metadata',
  'bullmq:queue_events_metadata',
];

/** Metadata of classes one of whose methods is such an entry point, and that method. */
const ENTRY_POINT_CLASSES: readonly (readonly [metadata: string, method: string])[] = [
  ['__commandHandler__', 'execute'],
  ['__queryHandler__', 'execute'],
  ['__eventsHandler__', 'handle'],
  ['bullmq:processor_metadata', 'process'],
  ['websockets:is_gateway', 'afterInit'],
  ['websockets:is_gateway', 'handleConnection'],
  ['websockets:is_gateway', 'handleDisconnect'],
  ['__filterCatchExceptions__', 'catch'],
];

/** Marks of wrappers that open a span already. */
const SPAN_MARKS = [TRACED_METHOD, WRAPPED_HANDLER, Symbol.for('nestjs-telemetry.wrapped-method')];

const PLATFORM_CLASSES = new Set<unknown>([EventEmitter, Stream, Readable, Writable, Duplex, Transform]);

/** One method of a class, its own or inherited. */
export interface ProviderMethod {
  readonly key: string;
  readonly descriptor: PropertyDescriptor;
  readonly inherited: boolean;
}

/**
 * The methods of a class that can have spans, also of its base classes up to the first that is the
 * language's or Node's. No accessors, statics, lifecycle hooks, or what has a span already.
 */
export function* providerMethodsOf(type: ContainerClass): Generator<ProviderMethod> {
  const own = type.prototype as object;
  const seen = new Set<string>();
  for (const level of prototypesOf(type)) {
    if (isOfPlatform(level)) return;
    for (const key of Object.getOwnPropertyNames(level)) {
      if (seen.has(key)) continue;
      // The nearest counts, whatever it is.
      seen.add(key);
      const descriptor = Object.getOwnPropertyDescriptor(level, key);
      if (descriptor === undefined || !isRecordable(key, descriptor, type)) continue;
      const inherited = level !== own;
      if (inherited ? Object.isExtensible(own) : descriptor.configurable)
        yield { key, descriptor, inherited };
    }
  }
}

function isOfPlatform(prototype: object): boolean {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof type === 'function' && (PLATFORM_CLASSES.has(type) || isNative(type));
}

/** True for built-in classes, also those of another realm. */
export function isNative(value: object): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(Function.prototype.toString.call(value));
}

function isRecordable(key: string, { value }: PropertyDescriptor, type: object): boolean {
  const method: unknown = value;
  if (typeof method !== 'function' || NOT_CALLS.has(key) || isClass(method)) return false;
  if (SPAN_MARKS.some((mark) => isMarked(method, mark))) return false;
  if (ENTRY_POINT_METADATA.some((metadata) => Reflect.hasMetadata(metadata, method))) return false;
  return !ENTRY_POINT_CLASSES.some(([metadata, name]) => name === key && Reflect.hasMetadata(metadata, type));
}

function isClass(value: object): boolean {
  return Function.prototype.toString.call(value).startsWith('class');
}
