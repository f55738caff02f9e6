import { createHmac } from 'node:crypto';

import { type Attributes } from '@opentelemetry/api';

import {
  type HookedRequest,
  type HookedResponse,
  type HttpServerConfig,
  type HttpServerInstrumentationOptions,
  type RequestUser,
} from '../../config/instrumentation.js';
import { ATTR_USER_HASH, ATTR_USER_ID } from '../../config/semantic-conventions.constants.js';
import { dropPromise, textOf } from '../../engine/copy-bounded.js';
import { warnOnce } from '../../errors/warnings.js';

/** Attributes that the application adds to a request. */
export type AttributesOf = (request: unknown, response: unknown) => Attributes | undefined;

/** A hook of the application that fails adds nothing, and is warned about once. @param lost says what is missing */
function callHook<T>(
  name: 'spanAttributes' | 'metricAttributes' | 'user',
  lost: string,
  call: () => T,
): T | undefined {
  try {
    return call();
  } catch (error) {
    const option = `instrumentation.httpServer.${name}`;
    warnOnce(`http-server:${name}`, `The function in ${option} failed: ${textOf(error)}. ${lost}`);
    return undefined;
  }
}

/** undefined without a hook, so that nothing is done for it. */
export function createAttributesOf(
  name: 'spanAttributes' | 'metricAttributes',
  hook: HttpServerInstrumentationOptions['spanAttributes'],
): AttributesOf | undefined {
  if (hook === undefined) return undefined;
  return (request, response) =>
    callHook(name, 'Its attributes are missing.', () => {
      // The framework's objects, of which HookedRequest and HookedResponse are parts.
      const attributes: unknown = hook(request as HookedRequest, response as HookedResponse);
      if (attributes === undefined || attributes === null) return undefined;
      dropPromise(attributes);
      if (typeof attributes === 'object' && !('then' in attributes)) return attributes as Attributes;
      throw new TypeError('it must return an object of attributes, and not a promise of one');
    });
}

/** Characters of an id: a longer one is no id. */
const MAX_ID = 256;
/** 128 bits tell any number of users apart. */
const HASH_DIGITS = 32;

/** Describes the user of a request; undefined where the application names none. */
export type UserOf = (request: unknown) => Attributes | undefined;

/** undefined without a hook, so that nothing is done for it. */
export function createUserOf({ user, userHashKey = '' }: Partial<HttpServerConfig>): UserOf | undefined {
  if (user === undefined) return undefined;
  return (request) =>
    callHook('user', 'The user is missing.', () => describeUser(readUser(user, request), userHashKey));
}

type UserHook = NonNullable<HttpServerInstrumentationOptions['user']>;

function readUser(
  hook: UserHook,
  request: unknown,
): { readonly id: string; readonly isPlain: boolean } | undefined {
  // The framework's object, of which HookedRequest is a part.
  const returned: unknown = hook(request as HookedRequest);
  if (returned === undefined || returned === null) return undefined;
  dropPromise(returned);
  const isObject = typeof returned === 'object' && !('then' in returned);
  const { id, hash }: Partial<Record<keyof RequestUser, unknown>> = isObject ? returned : { id: returned };
  if (isObject && (id === undefined || id === null)) return undefined;
  const isId =
    typeof id === 'string' || typeof id === 'bigint' || (typeof id === 'number' && !Number.isNaN(id));
  if (!isId)
    throw new TypeError('it must return an id (a text or number) or { id, hash }, and not a promise of one');
  const text = String(id);
  if (text.length > MAX_ID) throw new TypeError(`an id has at most ${MAX_ID} characters`);
  return text === '' ? undefined : { id: text, isPlain: hash === false };
}

function describeUser(user: ReturnType<typeof readUser>, key: string): Attributes | undefined {
  if (user === undefined) return undefined;
  if (user.isPlain) return { [ATTR_USER_ID]: user.id };
  const hash = createHmac('sha256', key).update(user.id).digest('hex');
  return { [ATTR_USER_HASH]: hash.slice(0, HASH_DIGITS) };
}
