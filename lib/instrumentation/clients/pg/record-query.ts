import { type EventEmitter } from 'node:events';

import { type Attributes, type Context, context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import { followResult } from '../../../invocation/follow-result.js';
import { tracerFor } from '../../../runtime/tracers.js';
import { recordFailure } from '../../../tracing/error-policy.js';
import { describeStatement } from '../sql/describe-statement.js';
import { type PgClient, type PgQuery } from './pg-module.interface.js';

const SCOPE = 'nestjs-telemetry/pg';

type Callback = (error: unknown, result: unknown) => unknown;

/** Runs one `client.query(…)` in a span, in whichever of pg's forms it was called: promise, callback or submittable. */
export function recordQuery(client: PgClient, query: PgQuery, args: unknown[]): unknown {
  const caller = context.active();
  const statement = statementOf(args[0]);
  if (statement === undefined || trace.getSpan(caller) === undefined || isTracingSuppressed(caller)) {
    return query.apply(client, args);
  }
  const span = startQuerySpan(client, statement, caller);
  const finish = once((error: unknown) => {
    if (error !== undefined && error !== null) describeFailure(span, error);
    span.end();
  });
  try {
    const result = query.apply(client, withCallback(args, caller, finish));
    followQuery(args, result, finish);
    return result;
  } catch (error) {
    finish(error);
    throw error;
  }
}

function startQuerySpan(client: PgClient, statement: string, caller: Context): Span {
  const { text, operation, summary } = describeStatement(statement);
  const attributes: Attributes = {
    [ATTR_DB_SYSTEM_NAME]: 'postgresql',
    [ATTR_DB_QUERY_TEXT]: text,
    [ATTR_DB_QUERY_SUMMARY]: summary,
    [ATTR_DB_OPERATION_NAME]: operation,
    [ATTR_DB_NAMESPACE]: client.database,
    [ATTR_SERVER_ADDRESS]: client.host,
    [ATTR_SERVER_PORT]: client.port,
  };
  return tracerFor(SCOPE).startSpan(summary, { kind: SpanKind.CLIENT, attributes }, caller);
}

/** `query(text)`, `query({ text })` and what a submittable carries; undefined for what pg itself will reject. */
function statementOf(config: unknown): string | undefined {
  if (typeof config === 'string') return config;
  if (typeof config !== 'object' || config === null) return undefined;
  if ('text' in config && typeof config.text === 'string') return config.text;
  return 'cursor' in config ? statementOf(config.cursor) : undefined;
}

/** pg calls back from its socket: there the caller's context is gone and must be put back. */
function withCallback(args: unknown[], caller: Context, finish: (error: unknown) => void): unknown[] {
  const position = args.findLastIndex((arg) => typeof arg === 'function');
  if (position === -1) return args;
  const callback = args[position] as Callback;
  const replaced = [...args];
  replaced[position] = (error: unknown, result: unknown): unknown => {
    finish(error);
    return context.with(caller, () => callback(error, result));
  };
  return replaced;
}

function followQuery(args: unknown[], result: unknown, finish: (error?: unknown) => void): void {
  if (args.some((arg) => typeof arg === 'function')) return;
  if (isEmitter(result)) {
    // A cursor or stream reads in its own time; whichever of these comes first is its end.
    for (const event of ['end', 'close']) {
      result.once(event, () => {
        finish();
      });
    }
    result.on('error', finish);
    return;
  }
  followResult(result, {
    onSuccess: () => {
      finish();
    },
    onError: finish,
  });
}

function isEmitter(value: unknown): value is EventEmitter {
  return typeof value === 'object' && value !== null && 'once' in value && typeof value.once === 'function';
}

function describeFailure(span: Span, error: unknown): void {
  recordFailure(span, error);
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') span.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, code);
}

function once(fn: (error?: unknown) => void): (error?: unknown) => void {
  let called = false;
  return (error) => {
    if (called) return;
    called = true;
    fn(error);
  };
}
