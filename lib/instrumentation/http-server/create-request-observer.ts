import { writeRequestLine } from '../../logging/write-request-line.js';
import {
  changeActiveHttpServerRequests,
  recordHttpServerRequest,
} from '../../metrics/http-server-metrics.js';
import { type RequestObserver } from './record-request.js';

/** What becomes of a recorded request beside its span: the RED metrics and, where the configuration wants it, its log line. */
export function createRequestObserver(): RequestObserver {
  return {
    onStart: (request) => {
      changeActiveHttpServerRequests(1, request);
    },
    onEnd: (request) => {
      changeActiveHttpServerRequests(-1, request);
      recordHttpServerRequest(request.aborted ? { ...request, errorType: 'aborted' } : request);
      writeRequestLine({ ...request, durationMs: request.durationSeconds * 1000 });
    },
  };
}
