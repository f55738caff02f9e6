import { writeRequestLine } from '../../logging/write-request-line.js';
import { recordHttpServerEnd, recordHttpServerStart } from '../../metrics/http-metrics.js';
import { type RequestObserver } from './record-request.js';

/** What becomes of a recorded request beside its span: the RED metrics and, when asked for, its log line. */
export function createRequestObserver(options: { readonly requestLog: boolean }): RequestObserver {
  return {
    onStart: recordHttpServerStart,
    onEnd: (request) => {
      recordHttpServerEnd(request);
      if (options.requestLog) writeRequestLine(request);
    },
  };
}
