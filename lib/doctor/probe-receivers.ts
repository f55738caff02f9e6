import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { type OtlpTarget } from '../config/otlp.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { suppressTracing } from '../engine/suppressed-tracing.js';
import { explainExportFailure } from '../exporters/export-failure.js';
import { exporterHealths, type Signal } from '../exporters/exporter-report.js';
import { createOtlpSender, otlpDestination } from '../exporters/otlp/otlp-sender.js';
import { otlpSettingsOf } from '../exporters/otlp/otlp-settings.js';
import { type Delivery } from '../exporters/sending/sender.js';
import { processWide } from '../process/process-wide.js';
import { fault, type Finding } from './finding.js';

const TIMEOUT_MS = 3_000;
/** A request without items, in both encodings: field 1 is the list of resources in each signal, here of one that is empty. */
const EMPTY = Uint8Array.of(0x0a, 0);
const EMPTY_JSON = new TextEncoder().encode('{}');
/** A receiver may object to an empty request, or have no room for a moment: that says nothing about real ones. */
const UNCLEAR = /HTTP (?:400|411|413|429|5\d\d)\b|INVALID_ARGUMENT|RESOURCE_EXHAUSTED/;

interface Probe {
  readonly signal: Signal;
  readonly target: OtlpTarget;
}

/** What the probes of this process found, of which those count that no export has answered since. */
const state = processWide<{ found: readonly Finding[] }>('receiver-probes', () => ({ found: [] }));

/**
 * Sends an empty request to each OTLP receiver of the configuration that no export has reached or failed at, by the transport of the
 * exporters, and remembers those that do not take it. Takes three seconds at most. Never rejects.
 */
export async function probeReceivers(
  { traces, metrics, logs }: TelemetryConfig,
  signal: AbortSignal,
): Promise<void> {
  const all: Probe[] = [
    ...traces.otlp.map((target) => ({ signal: 'traces' as const, target })),
    ...metrics.otlp.map((target) => ({ signal: 'metrics' as const, target })),
    ...logs.otlp.map((target) => ({ signal: 'logs' as const, target })),
  ];
  const quiet = all.filter(({ signal, target }) => !isAnswered(nameOf(signal, target)));
  // Nothing of it is recorded.
  const results = await context.with(suppressTracing(ROOT_CONTEXT), () =>
    Promise.all(quiet.map((each) => probe(each, signal))),
  );
  state.found = results.flat();
}

/** The receivers that did not take a probe, and have answered no export since. */
export function receiverFindings(): Finding[] {
  return state.found.filter(({ check }) => !isAnswered(check));
}

function nameOf(signal: Signal, target: OtlpTarget): string {
  const { endpoint, name } = otlpDestination(signal, target);
  return checkName({ signal, endpoint, name });
}

interface Named {
  readonly signal: string;
  readonly endpoint: string;
  readonly name: string;
}

/** How a destination is named in findings. */
export function checkName({ signal, endpoint, name }: Named): string {
  return `${signal} to ${endpoint} (${name})`;
}

/** Whether exports have worked or failed there: then their counts and warnings say it. */
function isAnswered(check: string): boolean {
  return exporterHealths().some((health) => {
    const report = health.report();
    return checkName(report) === check && (report.exported > 0 || report.lastError !== undefined);
  });
}

async function probe({ signal, target }: Probe, until: AbortSignal): Promise<Finding[]> {
  const body = target.protocol === 'http/json' ? EMPTY_JSON : EMPTY;
  const sender = createOtlpSender(signal, target, otlpSettingsOf(signal, target), () =>
    Promise.resolve(() => body),
  );
  const abort = (): void => {
    sender.abort();
  };
  until.addEventListener('abort', abort, { once: true });
  try {
    const delivery = await sender.send({ count: 0, bytes: body.byteLength }, TIMEOUT_MS);
    return judge(delivery, signal, target);
  } finally {
    until.removeEventListener('abort', abort);
    await sender.close();
  }
}

function judge(delivery: Delivery, signal: Signal, target: OtlpTarget): Finding[] {
  const check = nameOf(signal, target);
  if (delivery.outcome === 'sent') {
    const { message } = delivery;
    if (message?.includes('is it a collector') !== true) return [];
    return [{ check, ...fault('is answered by something else.', message, 'Check host, port and path.') }];
  }
  const { reason, remedy } = explainExportFailure(otlpDestination(signal, target), delivery.error);
  return UNCLEAR.test(reason) ? [] : [{ check, ...fault('does not arrive.', reason, remedy) }];
}
