import { ATTR_SERVICE_INSTANCE_ID } from '../../../config/semantic-conventions.constants.js';
import { type Question } from '../../api/question.js';
import { badRequest } from '../../http/dashboard-error.js';
import {
  type ProcessAnswer,
  type ProcessChartsAnswer,
  type ProcessValuesAnswer,
} from '../../reader/answers/processes.interface.js';

/** Addresses of the panel, and their answers. */
export interface RuntimeApi {
  readonly 'GET processes': readonly ProcessAnswer[];
  readonly 'GET processes/values': ProcessValuesAnswer;
  readonly 'GET processes/charts': ProcessChartsAnswer;
}

export function askProcesses({ reader, query, signal }: Question): Promise<readonly ProcessAnswer[]> {
  return reader.processes({ ...query.range(), ...query.processes() }, { signal });
}

export function askProcessValues({ reader, query, signal }: Question): Promise<ProcessValuesAnswer> {
  return reader.processValues({ ...query.range(), service: query.text('service') }, { signal });
}

export async function askCharts(question: Question): Promise<ProcessChartsAnswer | undefined> {
  const { reader, query, signal } = question;
  const service = query.text('service');
  if (service === undefined) throw badRequest('service must be the name of a service.');
  const instance = query.text('instance') ?? (await instanceInTrace(question, service));
  const buckets = query.integer('buckets', 1, 1_000, 90);
  return reader.process({ ...query.range(), service, instance, buckets }, { signal });
}

/** The process of a service that took part in a trace, the newest of several. */
async function instanceInTrace({ reader, query, signal }: Question, service: string): Promise<string> {
  const traceId = query.text('traceId');
  if (traceId === undefined) return '';
  const resources = await reader.resources(traceId, { signal });
  const instance = Object.hasOwn(resources, service) && resources[service]?.[ATTR_SERVICE_INSTANCE_ID];
  return typeof instance === 'string' ? instance : '';
}
