import { type Question } from '../../api/question.js';
import { type StartAnswer } from '../../reader/answers.interface.js';

/** Addresses of the panel, and their answers. */
export interface VersionsApi {
  readonly 'GET starts': readonly StartAnswer[];
}

export function askStarts({ reader, query, signal }: Question): Promise<readonly StartAnswer[]> {
  return reader.starts({ ...query.range(), service: query.text('service') }, { signal });
}
