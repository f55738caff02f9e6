import { isDeepStrictEqual } from 'node:util';

import type { Attributes } from '@opentelemetry/api';

import type { RedactionConfig } from '../config/redaction.js';
import { processWide } from '../process/process-wide.js';
import { RedactionPolicy } from './redaction-policy.js';

/** The built-in policy, which holds until the application's options are known. */
export const DEFAULT_REDACTION: RedactionConfig = Object.freeze({
  disable: false,
  keys: [],
  patterns: [],
  replace: '[Redacted]',
  errorProperties: [],
});

interface RedactionState {
  policy: RedactionPolicy;
  /** What the policy was made of; undefined until the first start. */
  config?: RedactionConfig;
}

const state = processWide<RedactionState>('redaction', () => ({
  policy: new RedactionPolicy(DEFAULT_REDACTION),
}));

/** The policy of this process. */
export function redaction(): RedactionPolicy {
  return state.policy;
}

/** The policy that lets everything pass. */
export const NO_REDACTION = new RedactionPolicy({ ...DEFAULT_REDACTION, disable: true });

/**
 * Runs `write`, which writes one line with a secret that its reader needs: the address of the
 * dashboard. Everything in it must be synchronous, or other lines would not be redacted either.
 */
export function withoutRedaction(write: () => void): void {
  const { policy } = state;
  state.policy = NO_REDACTION;
  try {
    write();
  } finally {
    state.policy = policy;
  }
}

/**
 * Sets the policy of this process; it stays after a stop, for what is still logged then. The same rules as before keep the
 * policy, and with it what it has learned of keys and texts.
 */
export function useRedaction(config: RedactionConfig, onReplaceError: (error: unknown) => void): void {
  if (isDeepStrictEqual(config, state.config)) return;
  state.config = config;
  state.policy = new RedactionPolicy(config, onReplaceError);
}

/** Frozen labels, by what became of them: most measurements are made with the same few objects. */
let frozenLabels = new WeakMap<object, Attributes>();
let labelsBelongTo: RedactionPolicy | undefined;

/** The labels of a measurement without secrets; the same object where there are none. */
export function redactLabels(labels: Attributes): Attributes {
  const policy = redaction();
  if (!policy.enabled) return labels;
  if (!Object.isFrozen(labels)) return policy.attributes(labels);
  if (policy !== labelsBelongTo) {
    labelsBelongTo = policy;
    frozenLabels = new WeakMap();
  }
  let kept = frozenLabels.get(labels);
  if (kept === undefined) {
    kept = policy.attributes(labels);
    frozenLabels.set(labels, kept);
  }
  return kept;
}
