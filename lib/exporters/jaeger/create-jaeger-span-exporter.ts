import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { type JaegerTarget } from '../../config/telemetry-config.interface.js';
import { createReportedExporter } from '../create-reported-exporter.js';
import { type ExporterDestination } from '../exporter-report.interface.js';
import { type ReportedExporter } from '../reported.exporter.js';
import { jaegerEndpoint } from './jaeger-endpoint.js';
import { type ThriftExporterConstructor } from './jaeger-sender.interface.js';
import { JaegerThriftExporter } from './jaeger-thrift.exporter.js';

/** A span exporter that speaks Thrift to Jaeger; its package starts loading now. */
export function createJaegerSpanExporter(target: JaegerTarget): ReportedExporter<ReadableSpan[]> {
  return createReportedExporter(
    destination(target),
    {
      packageName: '@opentelemetry/exporter-jaeger',
      load: async () => {
        const { JaegerExporter } = await import('@opentelemetry/exporter-jaeger');
        // The sender is where a lost span can be told from a lost batch.
        const Exporter = JaegerExporter as unknown as ThriftExporterConstructor; // its types hide the sender and speak of the 2.x line
        return new JaegerThriftExporter(target, Exporter);
      },
    },
    (spans) => spans.length,
  );
}

function destination(target: JaegerTarget): ExporterDestination {
  const endpoint = jaegerEndpoint(target);
  return target.transport === 'udp'
    ? {
        signal: 'traces',
        protocol: 'jaeger-udp',
        name: `Jaeger ${target.protocol} Thrift over UDP`,
        endpoint,
      }
    : { signal: 'traces', protocol: 'jaeger-http', name: 'Jaeger Thrift over HTTP', endpoint };
}
