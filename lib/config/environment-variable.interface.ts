import { type EndpointAddress } from './parse-endpoint.js';
import { type JaegerEndpoint } from './parse-jaeger-endpoint.js';

/** What each plain kind of variable is read into. */
export interface KindValues {
  text: string;
  boolean: boolean;
  /** 0 to 1. */
  ratio: number;
  otlpEndpoint: EndpointAddress;
  jaegerEndpoint: JaegerEndpoint;
  /** `key=value` pairs whose values are secrets. */
  headers: Readonly<Record<string, string>>;
  /** `key=value` pairs. */
  attributes: Readonly<Record<string, string>>;
}

/** How the text of a variable is read. */
export type VariableKind =
  | { readonly kind: keyof KindValues }
  | { readonly kind: 'integer'; readonly min: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  /** Comma separated; `none` empties the list. */
  | { readonly kind: 'list'; readonly choices: readonly string[] };

/** One environment variable: how it is read, what it means, and what holds without it. */
export type EnvironmentVariable = VariableKind & {
  readonly description: string;
  /** What holds when the variable is not set, in words. */
  readonly default: string;
  /** The option that says the same in code, and wins; undefined when there is none. */
  readonly option?: string;
};

/** The type a variable is read into. */
export type VariableValue<V> = V extends { kind: 'integer' }
  ? number
  : V extends { kind: 'choice'; choices: readonly (infer C)[] }
    ? C
    : V extends { kind: 'list'; choices: readonly (infer C)[] }
      ? readonly Exclude<C, 'none'>[]
      : V extends { kind: infer K extends keyof KindValues }
        ? KindValues[K]
        : never;
