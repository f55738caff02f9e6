import { type Question } from '../../api/question.js';
import { OPERATION_KINDS, type OperationListAnswer } from '../../reader/answers/operations.interface.js';
import { OPERATION_ORDERS } from '../../reader/telemetry-reader.interface.js';

/** Addresses of the panel, and their answers. */
export interface OperationsApi {
  readonly 'GET operations': OperationListAnswer;
}

export function askOperations({ reader, query, signal }: Question): Promise<OperationListAnswer> {
  const filter = {
    ...query.range(),
    ...query.processes(),
    service: query.text('service'),
    kind: query.choice('kind', OPERATION_KINDS),
    order: query.choice('order', OPERATION_ORDERS),
    limit: query.integer('limit', 1, 1_000, 200),
  };
  return reader.operations(filter, { signal });
}
