import { type Question } from '../../api/question.js';
import { type ServiceMapAnswer } from '../../reader/answers/service-map.interface.js';

/** Addresses of the panel, and their answers. */
export interface MapApi {
  readonly 'GET map': ServiceMapAnswer;
}

export function askMap({ reader, query, signal }: Question): Promise<ServiceMapAnswer> {
  const filter = {
    ...query.range(),
    ...query.processes(),
    service: query.text('service'),
    limit: query.integer('limit', 1, 1_000, 300),
  };
  return reader.serviceMap(filter, { signal });
}
