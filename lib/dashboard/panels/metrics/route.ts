import { findInstruments } from '../../sqlite/queries/find-instruments.js';
import { readChart } from '../../sqlite/queries/read-chart.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import { type ChartAnswer, type InstrumentAnswer } from '../../reader/answers.interface.js';

export function readInstruments({ parts: { store }, query }: ApiCall): readonly InstrumentAnswer[] {
  const service = query.text('service');
  return store.read((database) => findInstruments(database, service));
}

export function readMetric({ parts: { store }, query, params }: ApiCall): Promise<ChartAnswer | undefined> {
  const id = params[0] ?? '';
  if (!/^\d{1,15}$/.test(id)) throw badRequest('The id of an instrument must be a whole number.');
  const filter = {
    ...query.range(),
    instrument: Number(id),
    buckets: query.integer('buckets', 1, 1_000, 60),
    filters: query.pairs('filter').map(([key, value]) => ({ key, value })),
    group: query.text('group'),
  };
  return store.ask((database) => readChart(database, filter));
}
