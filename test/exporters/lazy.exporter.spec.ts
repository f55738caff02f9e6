import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

import { LazyExporter } from '../../lib/exporters/lazy.exporter.js';
import { type PushExporter } from '../../lib/exporters/push-exporter.interface.js';
import { collectWarnings } from './support/collect-warnings.js';

class RecordingExporter implements PushExporter<string[]> {
  readonly calls: string[] = [];

  export(items: string[], done: (result: ExportResult) => void): void {
    this.calls.push(`export ${items.join()}`);
    done({ code: ExportResultCode.SUCCESS });
  }

  forceFlush(): Promise<void> {
    this.calls.push('forceFlush');
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    this.calls.push('shutdown');
    return Promise.resolve();
  }
}

function exportOf(exporter: PushExporter<string[]>, ...items: string[]): Promise<ExportResult> {
  return new Promise((resolve) => {
    exporter.export(items, resolve);
  });
}

/** A load that arrives when the test says so. */
function pending<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

let warnings: ReturnType<typeof collectWarnings>;

beforeEach(() => {
  warnings = collectWarnings();
});

afterEach(() => {
  warnings.restore();
});

describe('LazyExporter', () => {
  it('starts loading at once, before anything is exported', () => {
    let loading = false;
    new LazyExporter('some-package', async () => {
      loading = true;
      return new RecordingExporter();
    });

    expect(loading).toBe(true);
  });

  it('sends what was exported before the package arrived, in order, and then what came later', async () => {
    const { promise, resolve } = pending<RecordingExporter>();
    const lazy = new LazyExporter<string[]>('some-package', () => promise);
    const early = [exportOf(lazy, 'a'), exportOf(lazy, 'b')];
    const flushed = lazy.forceFlush();
    const exporter = new RecordingExporter();
    resolve(exporter);

    expect(await Promise.all(early)).toEqual([{ code: 0 }, { code: 0 }]);
    await flushed;
    await exportOf(lazy, 'c');
    await lazy.shutdown();

    expect(exporter.calls).toEqual(['export a', 'export b', 'forceFlush', 'export c', 'shutdown']);
  });

  it('sends what was exported before a shutdown that came before the package', async () => {
    const { promise, resolve } = pending<RecordingExporter>();
    const lazy = new LazyExporter<string[]>('some-package', () => promise);
    void exportOf(lazy, 'a');
    const stopped = lazy.shutdown();
    const exporter = new RecordingExporter();
    resolve(exporter);
    await stopped;

    expect(exporter.calls).toEqual(['export a', 'shutdown']);
  });

  it('fails exports, warns once with the package and the remedy, and still shuts down when loading fails', async () => {
    const lazy = new LazyExporter<string[]>('some-package', () =>
      Promise.reject(new Error('Cannot find module')),
    );

    const results = [await exportOf(lazy, 'a'), await exportOf(lazy, 'b')];
    await lazy.forceFlush();
    await lazy.shutdown();

    expect(results.map(({ code, error }) => [code, error?.message])).toEqual([
      [ExportResultCode.FAILED, 'some-package could not be loaded: Cannot find module'],
      [ExportResultCode.FAILED, 'some-package could not be loaded: Cannot find module'],
    ]);
    expect(warnings.messages).toEqual([
      expect.stringMatching(/some-package could not be loaded: Cannot find module.*npm install.*external/),
    ]);
  });

  it('fails exports after the shutdown instead of leaving them unanswered', async () => {
    const lazy = new LazyExporter<string[]>('some-package', async () => new RecordingExporter());
    await lazy.shutdown();

    expect(await exportOf(lazy, 'late')).toMatchObject({ code: ExportResultCode.FAILED });
  });

  it('shuts the exporter down once, however often it is asked to', async () => {
    const exporter = new RecordingExporter();
    const lazy = new LazyExporter<string[]>('some-package', async () => exporter);
    await Promise.all([lazy.shutdown(), lazy.shutdown()]);

    expect(exporter.calls).toEqual(['shutdown']);
  });

  it('fails an early export whose exporter throws', async () => {
    const exporter = new RecordingExporter();
    exporter.export = () => {
      throw new Error('cannot serialize');
    };
    const lazy = new LazyExporter<string[]>('some-package', async () => exporter);

    expect(await exportOf(lazy, 'a')).toMatchObject({ error: new Error('cannot serialize') });
  });
});
