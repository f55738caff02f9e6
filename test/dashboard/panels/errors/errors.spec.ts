import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ErrorPageAnswer } from '../../../../lib/dashboard/panels/errors/query.js';
import { type ErrorListAnswer } from '../../../../lib/dashboard/reader/answers/errors.interface.js';
import { SPAN_KIND, SPAN_STATUS, type StoredSpan } from '../../../../lib/dashboard/sqlite/rows.interface.js';
import { serveDashboard, type ServedDashboard } from '../../serve-dashboard.js';
import { cleanUp, openTestStore } from '../../sqlite/open-test-store.js';
import { spanOf } from '../../sqlite/sample-rows.js';

const NOW = Date.now();
const RANGE = `from=${NOW - 600_000}&to=${NOW + 60_000}`;

let served: ServedDashboard | undefined;
afterEach(async () => {
  await served?.close();
  served = undefined;
  await cleanUp();
});

/** A failed request, and the span inside of it in which the failure began, as an SDK that records the exception on both. */
function failureOf(
  secondsAgo: number,
  message: string,
  more: Partial<StoredSpan> = {},
  stack = `StockError: ${message}\n    at node:internal/timers:1:2`,
): readonly StoredSpan[] {
  const time = NOW - secondsAgo * 1_000;
  const events = JSON.stringify([
    {
      name: 'exception',
      time,
      attributes: {
        'exception.type': 'StockError',
        'exception.message': message,
        'exception.stacktrace': stack,
      },
    },
  ]);
  const failed = { status: SPAN_STATUS.error, start: time * 1_000, events };
  const request = spanOf({ ...failed, name: 'request', outcome: '500', ...more });
  const { traceId, idHigh: parentHigh, idLow: parentLow } = request;
  const inner = {
    traceId,
    parentHigh,
    parentLow,
    kind: SPAN_KIND.internal,
    route: undefined,
    method: undefined,
  };
  return [request, spanOf({ ...failed, name: 'inner', outcome: undefined, ...inner })];
}

async function serve(spans: readonly StoredSpan[], editor?: string): Promise<ServedDashboard> {
  const store = openTestStore();
  for (const span of spans) store.addSpan(span);
  await store.flush();
  return (served = await serveDashboard(store, { editor }));
}

async function errorsOf(spans: readonly StoredSpan[], query = ''): Promise<ErrorListAnswer> {
  const { status, body } = await (await serve(spans)).api(`errors?${RANGE}${query}`);
  expect(status).toBe(200);
  return body as ErrorListAnswer;
}

async function errorOf(dashboard: ServedDashboard): Promise<ErrorPageAnswer> {
  const { errors } = (await dashboard.api(`errors?${RANGE}`)).body as ErrorListAnswer;
  const { service, fingerprint } = errors[0]!;
  const { status, body } = await dashboard.api(`errors/${service}/${fingerprint}?${RANGE}`);
  expect(status).toBe(200);
  return body as ErrorPageAnswer;
}

describe('the errors of the dashboard', () => {
  it('are grouped by type and kind of message, newest first, each once a trace', async () => {
    const { errors, states } = await errorsOf([
      ...failureOf(60, 'No stock of 4'),
      ...failureOf(30, 'No stock of 12'),
      ...failureOf(20, 'Locked'),
      ...failureOf(10, 'Locked', { route: '/jobs' }),
      spanOf({ start: NOW * 1_000 }),
    ]);
    expect(states).toEqual({ new: 2, back: 0, known: 0, gone: 0 });
    expect(errors.map(({ type, message, count }) => [type, message, count])).toEqual([
      ['StockError', 'Locked', 2],
      ['StockError', 'No stock of 4', 2],
    ]);
    expect(errors[1]).toMatchObject({
      service: 'orders',
      state: 'new',
      firstSeen: NOW - 60_000 + 5,
      lastSeen: NOW - 30_000 + 5,
      route: 'GET /orders/:id',
    });
  });

  it('are counted where a span failed without an exception', async () => {
    const { errors } = await errorsOf([
      spanOf({
        start: NOW * 1_000,
        status: SPAN_STATUS.error,
        attributes: '{"error.type":"503"}',
        statusMessage: 'Service Unavailable',
      }),
    ]);
    expect(errors).toMatchObject([{ type: '503', message: 'Service Unavailable', count: 1 }]);
  });

  it('are none where nothing failed, and of the service that is asked for', async () => {
    const { errors, states } = await errorsOf(failureOf(1, 'x'), '&service=users');
    expect({ errors, states }).toEqual({ errors: [], states: { new: 0, back: 0, known: 0, gone: 0 } });
  });

  it.each([
    ['state=old', 'state must be one of new, back, known, gone'],
    ['order=name', 'order must be one of lastSeen, firstSeen, count, state'],
    ['limit=1001', 'limit must be a number from 1 to 1000'],
    ['buckets=0', 'buckets must be a number from 1 to 200'],
    ['from=2&to=1', 'from must be before to'],
    [`text=${'x'.repeat(257)}`, 'text has 257 characters'],
  ])('are refused with the reason where the question is wrong: %s', async (query, reason) => {
    const { status, body } = await (await serve([])).api(`errors?${query}`);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(reason);
  });

  it('are 404 where they are not stored', async () => {
    const dashboard = await serve(failureOf(1, 'x'));
    expect((await dashboard.api('errors/orders/0123456789abcdef')).status).toBe(404);
    expect((await dashboard.api('errors/nobody/%27%20OR%201')).status).toBe(404);
  });
});

describe('one error of the dashboard', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'errors-spec-'));
    // As if the process had been started there: only its own sources are shown.
    jest.spyOn(process, 'cwd').mockReturnValue(folder);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  const SOURCE = ['one', 'two', 'three', 'four', 'throw new StockError()', 'six', 'seven', 'eight', 'nine'];
  const stackOf = (file: string): string =>
    `StockError: Locked\n    at reserve (${file}:5:7)\n    at run (/app/node_modules/x/index.js:1:1)\n` +
    '    at node:internal/process/task_queues:95:5\nCaused by: Error: timeout\n    at async wait (node:timers:1:1)';

  it('has its stack in parts, with the source of the application around its lines', async () => {
    const file = join(folder, 'stock.ts');
    writeFileSync(file, SOURCE.join('\n'));
    const error = await errorOf(
      await serve(failureOf(1, 'Locked', {}, stackOf(file)), 'vscode://file/{file}'),
    );
    expect(error.stackParts.map(({ title }) => title)).toEqual([
      'StockError: Locked',
      'Caused by: Error: timeout',
    ]);
    expect(error.stackParts[0]!.frames).toMatchObject([
      {
        functionName: 'reserve',
        isLibrary: false,
        line: 5,
        source: { file, line: 5, firstLine: 2, lines: SOURCE.slice(1, 8) },
      },
      { functionName: 'run', isLibrary: true },
      { file: 'node:internal/process/task_queues', isLibrary: true },
    ]);
    expect(error.stackParts[0]!.frames[1]).not.toHaveProperty('source');
    expect(error).toMatchObject({ count: 1, samples: [{ traceId: error.sample!.traceId }] });
  });

  it('shows no source where there are no links to it, as in production', async () => {
    const file = join(folder, 'stock.ts');
    writeFileSync(file, SOURCE.join('\n'));
    const error = await errorOf(await serve(failureOf(1, 'Locked', {}, stackOf(file))));
    expect(JSON.stringify(error)).not.toContain('throw new StockError');
  });

  it.each([
    ['of another folder', () => join(tmpdir(), 'errors-spec-outside.ts')],
    ['that is no source', () => join(folder, 'secrets.txt')],
    ['of a folder that begins with a dot', () => join(folder, '.git', 'hook.ts')],
    ['of a package', () => join(folder, 'node_modules', 'x.ts')],
  ])('shows no file %s, whatever its stack names', async (_what, fileOf) => {
    const file = fileOf();
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, SOURCE.join('\n'));
    try {
      const error = await errorOf(
        await serve(failureOf(1, 'Locked', {}, stackOf(file)), 'vscode://file/{file}'),
      );
      expect(error.stackParts[0]!.frames[0]).toMatchObject({ functionName: 'reserve', line: 5 });
      expect(JSON.stringify(error)).not.toContain('throw new StockError');
    } finally {
      rmSync(file);
    }
  });

  it('shows the source through the source map of what runs', async () => {
    const written = join(folder, 'stock.ts');
    const compiled = join(folder, 'stock.js');
    writeFileSync(written, SOURCE.join('\n'));
    writeFileSync(compiled, 'built();\nthrow new Built();\n//# sourceMappingURL=stock.js.map\n');
    // Line 2 of what runs is line 5 of what was written.
    const map = { version: 3, sources: ['stock.ts'], names: [], mappings: ';AAIA' };
    writeFileSync(`${compiled}.map`, JSON.stringify(map));
    const stack = `StockError: Locked\n    at reserve (${compiled}:2:1)`;
    const error = await errorOf(await serve(failureOf(1, 'Locked', {}, stack), 'vscode://file/{file}'));
    expect(error.stackParts[0]!.frames[0]!.source).toMatchObject({ file: written, line: 5 });
  });

  it('has the same stack on its span in a trace', async () => {
    const file = join(folder, 'stock.ts');
    writeFileSync(file, SOURCE.join('\n'));
    const dashboard = await serve(failureOf(1, 'Locked', {}, stackOf(file)), 'vscode://file/{file}');
    const { stackParts, sample } = await errorOf(dashboard);
    const { traceId, spanId } = sample!;
    const { body } = await dashboard.api(`traces/${traceId}/spans/${spanId}/stacks`);
    expect(body).toEqual({ stacks: [JSON.parse(JSON.stringify(stackParts))] });
    expect((await dashboard.api(`traces/${traceId}/spans/${'f'.repeat(16)}/stacks`)).status).toBe(404);
    expect((await dashboard.api(`traces/nonsense/spans/${spanId}/stacks`)).status).toBe(400);
  });

  it('has a stack that is cut where it is hostile, without blocking the event loop for long', async () => {
    const stack = `StockError: x\n${'    at ('.repeat(1)}${' ('.repeat(400)}\n${`    at a (${'b:'.repeat(200)}1:1)\n`.repeat(40)}`;
    const error = await errorOf(await serve(failureOf(1, 'x', {}, stack)));
    expect(error.stackParts).toHaveLength(1);
    expect(error.stackParts[0]!.frames.length).toBeLessThanOrEqual(100);
  });
});
