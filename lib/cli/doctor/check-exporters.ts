import { logs, metrics, trace } from '@opentelemetry/api';

import { resolveConfig } from '../../config/resolve-config.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { fault, type Finding, named, ok, type Result, skipped, warning } from '../../doctor/finding.js';
import { setWarningSink } from '../../errors/warnings.js';
import { explainExportFailure } from '../../exporters/export-failure.js';
import { exporterReports } from '../../exporters/exporter-report.js';
import { findJaegerPackageProblem } from '../../exporters/jaeger/jaeger-package.js';
import { readConfigFile } from '../../runtime/config-file/read-config-file.js';
import { stopRuntime } from '../../runtime/sdk-runtime.js';
import { startRuntime } from '../../runtime/start-runtime.js';

/** The name by which the data of the check is found and deleted. */
export const PROBE_SERVICE = 'nestjs-telemetry-doctor';

const FLUSH_MS = 5_000;

export interface CheckedExporters {
  readonly findings: readonly Finding[];
  /** The trace that was sent; undefined where traces have no destination. */
  readonly traceId: string | undefined;
}

/**
 * Sends one span, one measurement and one log record to each destination of the environment, by the exporters that an
 * application uses.
 */
export async function checkExporters(
  config: TelemetryConfig,
  env: NodeJS.ProcessEnv,
): Promise<CheckedExporters> {
  const hasTraces = config.traces.otlp.length + config.traces.jaeger.length > 0;
  if (!hasTraces && config.metrics.otlp.length === 0 && config.logs.otlp.length === 0) {
    const result = skipped(
      'the environment names no OTLP or Jaeger endpoint. Endpoints in code are checked where --app names an application with the page.',
    );
    return { findings: named('exporters', [result]), traceId: undefined };
  }
  // Failures are findings, not warnings of this process, also those that come after the stop.
  setWarningSink(() => undefined);
  const runtime = startRuntime(probeConfig(env));
  try {
    const traceId = sendSignals();
    await runtime.flush({ timeoutMs: FLUSH_MS });
    return { findings: exporterReports().map(describeReport), traceId: hasTraces ? traceId : undefined };
  } finally {
    await stopRuntime(runtime);
  }
}

/** The endpoints, headers and certificates of the environment, and nothing that would hold data back. */
function probeConfig(env: NodeJS.ProcessEnv): TelemetryConfig {
  return resolveConfig(
    {
      enabled: true,
      serviceName: PROBE_SERVICE,
      sampling: { sampler: 'always_on' },
      enablePrometheus: false,
      dashboard: false,
      store: false,
      shutdownTimeoutMs: 1_000,
    },
    { env, setIn: 'nestjs-telemetry doctor', findJaegerPackageProblem, readConfigFile },
  );
}

function sendSignals(): string {
  const span = trace.getTracer(PROBE_SERVICE).startSpan('probe of nestjs-telemetry doctor');
  const { traceId } = span.spanContext();
  span.end();
  metrics.getMeter(PROBE_SERVICE).createCounter('nestjs_telemetry.doctor.probes').add(1);
  logs.getLogger(PROBE_SERVICE).emit({ body: 'probe of nestjs-telemetry doctor', severityText: 'INFO' });
  return traceId;
}

function describeReport(report: ReturnType<typeof exporterReports>[number]): Finding {
  const check = `${report.signal} to ${report.endpoint} (${report.name})`;
  return { check, ...judge(report) };
}

function judge(report: ReturnType<typeof exporterReports>[number]): Result {
  const { exported, lastError, protocol } = report;
  if (lastError !== undefined) {
    const { reason, remedy } = explainExportFailure(report, new Error(lastError.message));
    return fault('does not arrive.', reason, remedy);
  }
  if (exported === 0)
    return warning(
      'is not confirmed.',
      `no answer within ${FLUSH_MS / 1_000} s`,
      'Check that the receiver is not overloaded, and that no proxy or firewall holds requests back.',
    );
  return protocol === 'jaeger-udp'
    ? ok('was sent. UDP does not confirm that it arrived: --jaeger looks for it there.')
    : ok('was accepted.');
}
