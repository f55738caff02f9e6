import { AggregationTemporality, InstrumentType } from '@opentelemetry/sdk-metrics';

import {
  createOtlpMetricExporter,
  readTemporalityPreference,
} from '../../../lib/exporters/otlp/otlp-metric-exporter.js';
import { collectWarnings } from '../support/collect-warnings.js';

const VARIABLE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';

function deltaInstruments(preference: string | undefined): InstrumentType[] {
  const select = readTemporalityPreference({ [VARIABLE]: preference });
  return Object.values(InstrumentType).filter((type) => select(type) === AggregationTemporality.DELTA);
}

describe('createOtlpMetricExporter()', () => {
  it('takes the temporality of a configuration file in place of the variable', async () => {
    process.env[VARIABLE] = 'delta';
    const target = { url: 'http://127.0.0.1:1/v1/metrics', protocol: 'http/json', headers: {} } as const;
    const temporalities = [
      target,
      { ...target, settings: {} },
      { ...target, settings: { temporality: 'delta' } as const },
    ]
      .map((each) => createOtlpMetricExporter(each, 1))
      .map(async (exporter) => {
        await exporter.shutdown();
        return exporter.selectAggregationTemporality?.(InstrumentType.COUNTER);
      });
    const { CUMULATIVE, DELTA } = AggregationTemporality;
    expect(await Promise.all(temporalities)).toEqual([DELTA, CUMULATIVE, DELTA]);
    Reflect.deleteProperty(process.env, VARIABLE);
  });
});

describe('readTemporalityPreference()', () => {
  it.each([undefined, '', 'cumulative'])(
    'is cumulative for all instruments when the variable is %p',
    (preference) => {
      expect(deltaInstruments(preference)).toEqual([]);
    },
  );

  it('leaves only up-down counters cumulative when delta is preferred', () => {
    expect(deltaInstruments(' Delta ').sort()).toEqual([
      'COUNTER',
      'GAUGE',
      'HISTOGRAM',
      'OBSERVABLE_COUNTER',
      'OBSERVABLE_GAUGE',
    ]);
  });

  it('makes synchronous counters and histograms delta when low memory is preferred', () => {
    expect(deltaInstruments('lowmemory').sort()).toEqual(['COUNTER', 'HISTOGRAM']);
  });

  it('warns about another value and is cumulative', () => {
    const warnings = collectWarnings();

    expect(deltaInstruments('sometimes')).toEqual([]);

    expect(warnings.messages).toEqual([
      expect.stringContaining('"sometimes", which is not cumulative, delta or lowmemory'),
    ]);
    warnings.restore();
  });
});
