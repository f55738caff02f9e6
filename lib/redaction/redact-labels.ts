import { type Attributes } from '@opentelemetry/api';

import { redaction } from './active-redaction.js';
import { type RedactionPolicy } from './redaction-policy.js';

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
