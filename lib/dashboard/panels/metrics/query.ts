import { type Question } from '../../api/question.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type ChartAnswer, type InstrumentAnswer } from '../../reader/answers/metrics.interface.js';

/** Addresses of the panel, and their answers. */
export interface MetricsApi {
  readonly 'GET metrics': readonly InstrumentAnswer[];
  readonly 'GET metrics/:id': ChartAnswer;
}

export function askInstruments({ reader, query, signal }: Question): Promise<readonly InstrumentAnswer[]> {
  return reader.instruments(query.text('service'), { signal });
}

export function askChart({ reader, query, params, signal }: Question): Promise<ChartAnswer | undefined> {
  const { id = '' } = params;
  const instrument = Number(id);
  if (!/^\d{1,16}$/.test(id) || !Number.isSafeInteger(instrument))
    throw badRequest('The id of an instrument must be a whole number below 2^53.');
  const filter = {
    ...query.range(),
    ...query.processes(),
    instrument,
    buckets: query.integer('buckets', 1, 1_000, 60),
    filters: query.fields('filter'),
    group: query.text('group'),
  };
  return reader.chart(filter, { signal });
}
