import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';

import { StreamableFile } from '@nestjs/common';

import { followResult } from '../../lib/invocation/follow-result.js';
import { RecordingObserver } from './recording-observer.js';

describe('followResult(stream)', () => {
  it('settles when the stream has been read to its end', async () => {
    const observer = new RecordingObserver();
    const stream = Readable.from(['a', 'b']);

    expect(followResult(stream, observer)).toBe(stream);
    expect(observer.endings).toEqual([]);
    stream.resume();
    await once(stream, 'close');

    expect(observer.endings).toEqual([['success']]);
  });

  it('settles with the very error the stream is destroyed with', async () => {
    const observer = new RecordingObserver();
    const error = new Error('disk');
    const stream = followResult(new PassThrough(), observer);

    stream.destroy(error);
    await expect(once(stream, 'close')).rejects.toBe(error);

    expect(observer.endings).toEqual([['error', error]]);
  });

  it('reports a cancellation when the stream is destroyed before its end', async () => {
    const observer = new RecordingObserver();
    const stream = followResult(new PassThrough(), observer);

    stream.destroy();
    await once(stream, 'close');

    expect(observer.endings).toEqual([['cancel']]);
  });

  it('adds no error listener, so that an error without a listener stays uncaught', () => {
    const stream = followResult(new PassThrough(), new RecordingObserver());

    expect(stream.listenerCount('error')).toBe(0);
  });

  it('follows the stream inside a StreamableFile', async () => {
    const observer = new RecordingObserver();
    const file = new StreamableFile(Readable.from(['a']));

    expect(followResult(file, observer)).toBe(file);
    expect(observer.endings).toEqual([]);
    file.getStream().resume();
    await once(file.getStream(), 'close');

    expect(observer.endings).toEqual([['success']]);
  });
});
