import {
  type Delivery,
  type ExportRequest,
  LazySender,
  type Sender,
} from '../../../lib/exporters/sending/sender.js';
import { collectWarnings } from '../support/collect-warnings.js';

class RecordingSender implements Sender<ExportRequest> {
  readonly calls: string[] = [];

  send({ count }: ExportRequest): Promise<Delivery> {
    this.calls.push(`send ${count}`);
    return Promise.resolve({ outcome: 'sent' });
  }

  abort(): void {
    this.calls.push('abort');
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }
}

const request = (count: number): ExportRequest => ({ count, bytes: 1 });

let warnings: ReturnType<typeof collectWarnings>;

beforeEach(() => {
  warnings = collectWarnings();
});

afterEach(() => {
  warnings.restore();
});

describe('LazySender', () => {
  it('starts loading immediately, before anything is sent', () => {
    let loading = false;
    new LazySender('some-package', async () => {
      loading = true;
      return new RecordingSender();
    });

    expect(loading).toBe(true);
  });

  it('sends what was given before the package arrived, in order, and closes after it', async () => {
    const { promise, resolve } = Promise.withResolvers<RecordingSender>();
    const lazy = new LazySender<ExportRequest>('some-package', () => promise);
    const early = [lazy.send(request(1), 100), lazy.send(request(2), 100)];
    const closed = lazy.close();
    const sender = new RecordingSender();
    resolve(sender);

    expect(await Promise.all(early)).toEqual([{ outcome: 'sent' }, { outcome: 'sent' }]);
    await closed;

    expect(sender.calls).toEqual(['send 1', 'send 2', 'close']);
  });

  it('fails requests, warns once with the package and the remedy, and still closes when loading fails', async () => {
    const lazy = new LazySender<ExportRequest>('some-package', () =>
      Promise.reject(new Error('Cannot find module')),
    );

    const results = [await lazy.send(request(1), 100), await lazy.send(request(2), 100)];
    await lazy.close();

    const failure = {
      outcome: 'failed',
      error: { message: 'some-package could not be loaded: Cannot find module' },
    };
    expect(results).toMatchObject([failure, failure]);
    expect(warnings.messages).toEqual([
      expect.stringMatching(/some-package could not be loaded: Cannot find module.*npm install.*external/),
    ]);
  });

  it('fails requests after it was aborted instead of leaving them unanswered', async () => {
    const lazy = new LazySender<ExportRequest>('some-package', async () => new RecordingSender());
    lazy.abort();

    expect(await lazy.send(request(1), 100)).toMatchObject({ outcome: 'failed' });
  });
});
