import {
  type AggregationOption,
  AggregationType,
  createAllowListAttributesProcessor,
  createDenyListAttributesProcessor,
  type IAttributesProcessor,
  InstrumentType,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics';

import { withoutUndefined } from '../../config/declare-options.js';
import type { ConfigNode } from './config-node.js';

const INSTRUMENT_TYPES: Readonly<Record<string, InstrumentType>> = {
  counter: InstrumentType.COUNTER,
  gauge: InstrumentType.GAUGE,
  histogram: InstrumentType.HISTOGRAM,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
};

/** The boundaries of the specification. */
const BOUNDARIES = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

/** Reads a view: which instruments it selects, and what becomes of their measurements. */
export function readView(view: ConfigNode): ViewOptions {
  const selector = view.at('selector');
  const stream = view.at('stream');
  const given = {
    instrumentName: selector.at('instrument_name').text(),
    instrumentUnit: selector.at('unit').text(),
    meterName: selector.at('meter_name').text(),
    meterVersion: selector.at('meter_version').text(),
    meterSchemaUrl: selector.at('meter_schema_url').text(),
    name: stream.at('name').text(),
    description: stream.at('description').text(),
    instrumentType: INSTRUMENT_TYPES[selector.at('instrument_type').text() ?? ''],
    aggregation: stream.has('aggregation') ? readAggregation(stream.at('aggregation')) : undefined,
    aggregationCardinalityLimit: stream.at('aggregation_cardinality_limit').number(),
  };
  const attributesProcessors = readAttributeKeys(stream.at('attribute_keys'));
  return {
    ...withoutUndefined(given),
    ...(attributesProcessors.length > 0 && { attributesProcessors }),
  };
}

function readAggregation(aggregation: ConfigNode): AggregationOption | undefined {
  const [kind, settings] = aggregation.choice() ?? [];
  switch (kind) {
    case 'default':
      return { type: AggregationType.DEFAULT };
    case 'drop':
      return { type: AggregationType.DROP };
    case 'sum':
      return { type: AggregationType.SUM };
    case 'last_value':
      return { type: AggregationType.LAST_VALUE };
    case 'explicit_bucket_histogram':
      return {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
        options: {
          recordMinMax: settings?.at('record_min_max').flag() ?? true,
          boundaries:
            settings?.has('boundaries') === true ? readNumbers(settings.at('boundaries')) : BOUNDARIES,
        },
      };
    case 'base2_exponential_bucket_histogram': {
      const maxSize = settings?.at('max_size').number();
      return {
        type: AggregationType.EXPONENTIAL_HISTOGRAM,
        options: {
          recordMinMax: settings?.at('record_min_max').flag() ?? true,
          ...(maxSize !== undefined && { maxSize }),
        },
      };
    }
    default:
      return undefined;
  }
}

function readNumbers(list: ConfigNode): number[] {
  return list
    .list()
    .map((entry) => entry.number())
    .filter((entry) => entry !== undefined);
}

function readAttributeKeys(keys: ConfigNode): IAttributesProcessor[] {
  const included = readNames(keys.at('included'));
  const excluded = readNames(keys.at('excluded'));
  return [
    ...(included.length > 0 ? [createAllowListAttributesProcessor(included)] : []),
    ...(excluded.length > 0 ? [createDenyListAttributesProcessor(excluded)] : []),
  ];
}

/** The SDK compares whole names. */
function readNames(list: ConfigNode): string[] {
  const isPattern = (name: string | undefined): boolean => name !== undefined && /[*?]/.test(name);
  for (const entry of list.list())
    if (isPattern(entry.text()))
      entry.refuse('Write the names of attributes: patterns with * or ? are not supported.');
  return list.texts().filter((name) => !isPattern(name));
}
