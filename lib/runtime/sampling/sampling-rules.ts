import { type Attributes, SpanKind } from '@opentelemetry/api';

import type { KeepRuleOptions, SamplingRule, SpanKindName } from '../../config/sampling.js';
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
} from '../../config/semantic-conventions.constants.js';
import { compileRoute } from '../route-template.js';

/** What is known of a trace when its first span starts. */
export interface RootSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Attributes>;
}

export interface CompiledRule {
  readonly ratio: number | undefined;
  readonly keep: false | KeepRuleOptions | undefined;
  matches(root: RootSpan): boolean;
}

const SPAN_KINDS: Readonly<Record<SpanKindName, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

type Condition = (root: RootSpan) => boolean;

/** Prepares rules for being asked at each start of a trace. */
export function compileRules(rules: readonly SamplingRule[]): readonly CompiledRule[] {
  return rules.map((rule) => {
    const conditions = conditionsOf(rule);
    return {
      ratio: rule.ratio,
      keep: rule.keep,
      matches: (root) => conditions.every((holds) => holds(root)),
    };
  });
}

/** The first rule that matches, or undefined. */
export function ruleFor(rules: readonly CompiledRule[], root: RootSpan): CompiledRule | undefined {
  return rules.find((rule) => rule.matches(root));
}

/** Cheap conditions first: most traces differ in kind or method. */
function conditionsOf({ name, route, method, kind, attributes }: SamplingRule): Condition[] {
  const conditions: Condition[] = [];
  if (kind !== undefined) conditions.push((root) => root.kind === SPAN_KINDS[kind]);
  if (method !== undefined) conditions.push(hasValue(ATTR_HTTP_REQUEST_METHOD, method.toUpperCase()));
  if (name !== undefined) conditions.push(hasName(name));
  for (const [key, wanted] of Object.entries(attributes ?? {})) conditions.push(hasValue(key, wanted));
  if (route !== undefined) conditions.push(hasRoute(route));
  return conditions;
}

function hasName(wanted: string | RegExp): Condition {
  if (wanted instanceof RegExp) {
    const matches = tester(wanted);
    return ({ name }) => matches(name);
  }
  if (!wanted.endsWith('*')) return ({ name }) => name === wanted;
  const prefix = wanted.slice(0, -1);
  return ({ name }) => name.startsWith(prefix);
}

function hasValue(key: string, wanted: string | number | boolean | RegExp): Condition {
  if (!(wanted instanceof RegExp)) return ({ attributes }) => attributes[key] === wanted;
  const matches = tester(wanted);
  return ({ attributes: { [key]: actual } }) =>
    actual !== undefined && matches(typeof actual === 'string' ? actual : JSON.stringify(actual));
}

/** Paths are known when a span starts; Express knows the route once a handler is reached. */
function hasRoute(route: string | RegExp): Condition {
  const matches = tester(route instanceof RegExp ? route : compileRoute(route));
  return ({ attributes }) => {
    const path = attributes[ATTR_URL_PATH];
    if (typeof path === 'string' && matches(path)) return true;
    const known = attributes[ATTR_HTTP_ROUTE];
    return typeof known === 'string' && (known === route || matches(known));
  };
}

/** A global or sticky expression keeps its last index: every second trace would escape the rule. */
function tester(expression: RegExp): (text: string) => boolean {
  const stateless = new RegExp(expression.source, expression.flags.replace(/[gy]/g, ''));
  return (text) => stateless.test(text);
}
