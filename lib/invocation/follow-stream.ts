import { errorMonitor } from 'node:events';
import { finished } from 'node:stream';

import { type Settlement } from './settlement.js';

/** True for a Node stream, of this Node or of `readable-stream`: by shape, as Node itself decides. */
export function isNodeStream(value: object): value is NodeJS.ReadableStream {
  const candidate = value as { pipe?: unknown; on?: unknown };
  return typeof candidate.pipe === 'function' && typeof candidate.on === 'function';
}

/** The stream inside a Nest `StreamableFile` (by shape: there may be two copies of Nest), or undefined. */
export function readStreamOfFile(value: object): NodeJS.ReadableStream | undefined {
  const candidate = value as { getStream?: unknown; getHeaders?: unknown };
  if (typeof candidate.getStream !== 'function' || typeof candidate.getHeaders !== 'function')
    return undefined;
  const stream: unknown = (candidate.getStream as () => unknown).call(value);
  return typeof stream === 'object' && stream !== null && isNodeStream(stream) ? stream : undefined;
}

/** Settles when the stream has ended: success, error, or cancelled when it was destroyed before its end. */
export function followStream(stream: NodeJS.ReadableStream, settlement: Settlement): void {
  // An 'error' listener of ours would keep Node from reporting an error that nobody else listens to; a monitor does not.
  const onError = (error: unknown): void => {
    settlement.fail(error);
  };
  stream.on(errorMonitor, onError);
  finished(stream, { error: false }, (error) => {
    stream.removeListener(errorMonitor, onError);
    if (error === undefined || error === null) settlement.succeed();
    else if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') settlement.cancel();
    else settlement.fail(error);
  });
}
