import { type TransportResponse } from './transport.interface.js';

/** The answer to a request that is not waited for any longer. */
export function givenUp(
  error = new Error('the collector had not taken it when the shutdown was over'),
): TransportResponse {
  return { status: 'failure', error };
}
