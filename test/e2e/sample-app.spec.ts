import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type TraceAnalysis } from '../../lib/dashboard/panels/trace/analysis/analyse-trace.js';
import { type AnalysedTrace } from '../../lib/dashboard/panels/trace/query.js';
import { type Page } from '../../lib/dashboard/reader/answers/answer-parts.interface.js';
import {
  type ProcessAnswer,
  type ProcessChartsAnswer,
} from '../../lib/dashboard/reader/answers/processes.interface.js';
import { type TraceSummaryAnswer } from '../../lib/dashboard/reader/answers/traces.interface.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { eventually } from '../support/eventually.js';
import { type CollectedSpan, CollectedTrace } from './collected-trace.js';
import { scrapeMetric } from './scrape-metric.js';

/** Building, starting four processes and a PostgreSQL, on a slow machine that does other things too. */
const START_WITHIN_MS = 180_000;
const SETTLE_WITHIN_MS = 15_000;

const ROOT = join(__dirname, '../..');
const TOKEN = 'a-token-of-this-test-0123456789';

const SERVICES = ['gateway', 'orchestrator', 'worker'] as const;

interface Finding {
  readonly kind: string;
  readonly type?: string;
}

interface Answer {
  readonly status: number;
  readonly traceId: string;
  readonly body: {
    readonly traceId?: string;
    readonly text?: string;
    readonly message?: string;
    readonly jobId?: string;
    readonly user?: { readonly id: string; readonly name: string };
    readonly audio?: { readonly cached: boolean };
  };
}

describe('npm start', () => {
  const start = (...args: string[]): { code: number | null; printed: string } => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'scripts/run.mjs'), 'start', ...args],
      {
        encoding: 'utf8',
      },
    );
    return { code: status, printed: stdout + stderr };
  };

  it('lists its options and faults with --help', () => {
    const { code, printed } = start('--help');
    expect(code).toBe(0);
    for (const name of ['--no-traffic', '--fault', 'slow-llm', 'db-pool', 'n-plus-one', 'memory', 'deploy'])
      expect(printed).toContain(name);
  });

  it.each([
    [['--fault', 'nope'], '--fault must be one of slow-llm, db-pool, n-plus-one, memory, deploy, not "nope"'],
    [['--fault', 'toString'], 'not "toString"'],
    [['--fault'], "'--fault <value>'"],
    [['--falt', 'memory'], "'--falt'"],
    [['--traffic=sometimes'], '--traffic must be one of once, forever, off, not "sometimes"'],
    [['--fault=memory', '--no-traffic'], 'leave out --traffic and --no-traffic'],
  ])('refuses %j before anything is built or started', (args, reason) => {
    const { code, printed } = start(...args);
    expect(code).toBe(2);
    expect(printed).toContain(reason);
    expect(printed).toContain('--help lists the options');
  });
});

describe('the sample system', () => {
  let system: RunningSampleSystem;

  beforeAll(async () => {
    system = await startSampleSystem({
      root: ROOT,
      env: { OTEL_ENVIRONMENT: 'test', TELEMETRY_DASHBOARD: 'true', TELEMETRY_DASHBOARD_TOKEN: TOKEN },
    });
  }, START_WITHIN_MS);

  afterAll(async () => {
    await system.stop();
  });

  async function post(request: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const response = await fetch(`${system.urls.gateway}/process`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(request),
    });
    return {
      status: response.status,
      traceId: response.headers.get('traceparent')?.split('-')[1] ?? '',
      body: (await response.json()) as Answer['body'],
    };
  }

  /** The trace as the debug endpoint tells it, once it holds each of `spans` (as service/name). */
  async function traceWith(traceId: string, ...spans: string[]): Promise<CollectedTrace> {
    let trace = new CollectedTrace([]);
    const missing = (): string[] => spans.filter((span) => !trace.names.has(span));
    await eventually(
      `trace ${traceId} with ${spans.join(', ')}`,
      async () => {
        const response = await fetch(`${system.urls.gateway}/debug/traces/${traceId}`, {
          headers: { accept: 'application/json' },
        });
        if (response.ok)
          trace = new CollectedTrace(((await response.json()) as { spans: CollectedSpan[] }).spans);
        return missing().length === 0;
      },
      SETTLE_WITHIN_MS,
      { everyMs: 50 },
    ).catch((error: unknown) => {
      const found = `trace ${traceId} has no ${missing().join(', ')}, only:\n${trace.describe()}`;
      throw new Error(found, { cause: error });
    });
    return trace;
  }

  /** What the page answers. */
  async function askPage<T>(address: string): Promise<T> {
    const response = await fetch(`${system.urls.gateway}/telemetry/api/v1/${address}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  }

  const gatewayMetric = (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> =>
    scrapeMetric(system.urls.gateway, name, labels);

  const workerMetric = (name: string): Promise<number> => scrapeMetric(system.urls.worker, name);

  it('answers the request of README.md', () => {
    const [, command = ''] =
      /^(curl .*localhost:3000\/process .*)$/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
    const { host } = new URL(system.urls.gateway);
    const { status, stdout } = spawnSync('bash', ['-c', command.replace('localhost:3000', host)], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      text: expect.stringContaining('hello') as string,
      traceId: expect.stringMatching(/^[\da-f]{32}$/) as string,
    });
  });

  describe('a good request', () => {
    let answer: Answer;
    let trace: CollectedTrace;

    beforeAll(async () => {
      answer = await post({ text: 'a good request', userId: 'grace' });
      trace = await traceWith(
        answer.traceId,
        'api_gateway/POST /process',
        'orchestrator/POST /process',
        'background_worker/POST /jobs',
        'background_worker/process_job',
      );
    });

    it('answers with the result and the trace id', () => {
      expect(answer.status).toBe(200);
      expect(answer.body.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(answer.traceId).toBe(answer.body.traceId);
      expect(answer.body).toMatchObject({
        text: 'You said: a good request',
        user: { id: 'grace', name: 'Grace' },
        audio: { cached: false },
      });
    });

    it('leaves one trace with one root that spans all three services', () => {
      expect(new Set(trace.spans.map((span) => span.service))).toEqual(
        new Set(['api_gateway', 'orchestrator', 'background_worker']),
      );
      expect(trace.spans.filter((span) => trace.parentOf(span) === undefined)).toEqual([
        trace.get('api_gateway', 'POST /process'),
      ]);
      expect(trace.get('api_gateway', 'POST /process')).toMatchObject({ kind: 'server' });
      expect(trace.spans.filter((span) => span.error !== undefined)).toEqual([]);
    });

    it('has the gateway validate and call the orchestrator inside handle_request', () => {
      const handling = trace.get('api_gateway', 'handle_request');
      expect(trace.pathOf(handling)[0]).toBe('api_gateway/POST /process');
      expect(trace.parentOf(trace.get('api_gateway', 'validate_data'))).toBe(handling);
      const call = trace.get('api_gateway', 'POST');
      expect(call).toMatchObject({ kind: 'client' });
      expect(trace.parentOf(call)).toBe(handling);
      expect(trace.parentOf(trace.get('orchestrator', 'POST /process'))).toBe(call);
    });

    it('has orchestrator.process look up the user, generate, synthesize and hand over the job, in this order', () => {
      const processing = trace.get('orchestrator', 'orchestrator.process');
      expect(trace.pathOf(processing)).toContain('orchestrator/POST /process');
      expect(trace.childrenOf(processing).map((span) => span.name)).toEqual([
        'database_query_users',
        'llm.generate',
        'tts.synthesize',
        'POST',
      ]);
    });

    it('has the call of the model and its HTTP call below llm.generate, and the Redis commands below tts.synthesize', () => {
      const [call, ...others] = trace.childrenOf(trace.get('orchestrator', 'llm.generate'));
      expect(others).toEqual([]);
      expect(call).toMatchObject({ name: 'chat stand-in', kind: 'client' });
      expect(call!.attributes).toMatchObject({
        'gen_ai.request.model': 'stand-in',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 4,
      });
      expect(trace.childrenOf(call!)).toMatchObject([{ name: 'POST', kind: 'client' }]);
      const speaking = trace.get('orchestrator', 'tts.synthesize');
      expect(trace.childrenOf(speaking)).toMatchObject([
        { name: 'redis.get', kind: 'client' },
        { name: 'redis.set', kind: 'client' },
      ]);
    });

    it('has the query of PostgreSQL below database_query_users, whose attributes say table and operation', () => {
      const lookup = trace.get('orchestrator', 'database_query_users');
      expect(lookup.attributes).toMatchObject({ table: 'users', op: 'select' });
      // The first query of a pool opens a connection, which takes time of the request.
      const calls = trace.childrenOf(lookup).filter(({ name }) => name !== 'pg.pool.connect');
      const [query, ...others] = calls;
      expect(others).toEqual([]);
      expect(query).toMatchObject({ kind: 'client', attributes: { 'db.system.name': 'postgresql' } });
      expect(query!.attributes['db.query.text']).toContain('FROM users WHERE id = $1');
    });

    it('continues in the background worker, which does the job in three steps', async () => {
      const job = trace.get('background_worker', 'process_job');
      expect(job.attributes).toMatchObject({ job_id: answer.body.jobId });
      expect(trace.pathOf(job)).toEqual(
        expect.arrayContaining(['orchestrator/orchestrator.process', 'background_worker/POST /jobs']),
      );
      expect(trace.childrenOf(job).map((span) => span.name)).toEqual([
        'fetch_data',
        'transform_data',
        'save_result',
      ]);
      const stored = await fetch(`${system.urls.worker}/jobs/${answer.body.jobId}`);
      expect(await stored.json()).toMatchObject({
        jobId: answer.body.jobId,
        userId: 'grace',
        summary: 'Grace heard: You said: a good request',
        words: 5,
      });
    });

    it('has its log lines on the spans they were written in', () => {
      expect(trace.logsOf(trace.get('api_gateway', 'validate_data'))).toContain('Validating input');
      expect(trace.logsOf(trace.get('background_worker', 'process_job'))).toEqual([
        `Processing job ${answer.body.jobId!}`,
        `Job ${answer.body.jobId!} completed`,
      ]);
    });

    it('prints its log lines with the ids of trace and span', () => {
      const { spanId } = trace.get('api_gateway', 'validate_data');
      const line = system
        .printed()
        .split('\n')
        .find((text) => text.includes('Validating input') && text.includes(spanId));
      expect(line).toContain(answer.traceId);
    });

    it('is shown as a waterfall to clients that do not ask for JSON', async () => {
      const response = await fetch(`${system.urls.gateway}/debug/traces/${answer.traceId}`);
      const text = await response.text();
      expect(response.headers.get('content-type')).toContain('text/plain');
      expect(text).toMatch(/^api_gateway +POST \/process +[\d.]+ ms/m);
      expect(text).toMatch(/^orchestrator +[│ ]*[├└]─ llm\.generate +[\d.]+ ms/m);
      expect(text).toMatch(/^background_worker +[│ ]*[├└]─ process_job +[\d.]+ ms/m);
    });
  });

  it('continues the trace of the caller', async () => {
    const traceId = '5f8a3b2c1d4e5f60718293a4b5c6d7e8';
    const { body } = await post({ text: 'traced' }, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    expect(body.traceId).toBe(traceId);
    const trace = await traceWith(traceId, 'api_gateway/POST /process');
    expect(trace.get('api_gateway', 'POST /process').parentSpanId).toBe('00f067aa0ba902b7');
  });

  it('answers from the cache when the same text is spoken again', async () => {
    await post({ text: 'say it again' });
    const { body, traceId } = await post({ text: 'say it again' });
    expect(body.audio).toMatchObject({ cached: true });
    const trace = await traceWith(traceId, 'api_gateway/POST /process');
    expect(trace.has('orchestrator', 'redis.set')).toBe(false);
  });

  it('counts and times requests by status', async () => {
    const labels = { method: 'POST', status: '200' };
    const count = await gatewayMetric('requests_total', labels);
    const durations = await gatewayMetric('request_duration_ms_count', labels);
    await post({ text: 'count me' });
    expect(await gatewayMetric('requests_total', labels)).toBe(count + 1);
    expect(await gatewayMetric('request_duration_ms_count', labels)).toBe(durations + 1);
    expect(await gatewayMetric('request_duration_ms_bucket', { ...labels, le: '+Inf' })).toBe(durations + 1);
  });

  it('rejects a request without text, counts it, warns, and marks no span as failed', async () => {
    const invalid = await gatewayMetric('validation_errors_total');
    const rejected = await gatewayMetric('requests_total', { method: 'POST', status: '400' });
    const { status, body, traceId } = await post({ userId: 'ada' });
    expect({ status, message: body.message }).toEqual({ status: 400, message: 'text required' });
    expect(await gatewayMetric('validation_errors_total')).toBe(invalid + 1);
    expect(await gatewayMetric('requests_total', { method: 'POST', status: '400' })).toBe(rejected + 1);
    const trace = await traceWith(traceId, 'api_gateway/POST /process');
    expect(trace.logsOf(trace.get('api_gateway', 'validate_data'))).toContain('Missing text field');
    expect(trace.spans.filter((span) => span.error !== undefined)).toEqual([]);
    expect(trace.has('orchestrator', 'POST /process')).toBe(false);
  });

  it('passes on what the orchestrator objects to', async () => {
    const { status, body } = await post({ text: 'hello', userId: 'nobody' });
    expect({ status, message: body.message }).toEqual({ status: 404, message: 'user nobody not found' });
  });

  it('answers 502 when the model keeps failing, and shows where it went wrong', async () => {
    const { status, traceId } = await post({ text: 'hello', simulate: { llm: 'fail' } });
    expect(status).toBe(502);
    const trace = await traceWith(traceId, 'api_gateway/POST /process', 'orchestrator/POST /process');
    const generating = trace.get('orchestrator', 'llm.generate');
    expect(generating.error).toContain('the LLM failed 2 times');
    const calls = trace.childrenOf(generating);
    expect(calls.map(({ name, error }) => [name, error])).toEqual([
      ['chat stand-in', expect.stringContaining('503 overloaded')],
      ['chat stand-in', expect.stringContaining('503 overloaded')],
    ]);
    const requests = calls.flatMap((call) => trace.childrenOf(call));
    expect(requests.map(({ attributes }) => attributes['http.response.status_code'])).toEqual([503, 503]);
    for (const [service, name] of [
      ['orchestrator', 'orchestrator.process'],
      ['orchestrator', 'POST /process'],
      ['api_gateway', 'handle_request'],
      ['api_gateway', 'POST /process'],
    ] as const) {
      expect(trace.get(service, name)).toHaveProperty('error', expect.any(String));
    }
  });

  it('counts and logs a job that fails, after the request was answered', async () => {
    const failed = await workerMetric('jobs_failed_total');
    const { status, body, traceId } = await post({ text: 'hello', simulate: { job: 'fail' } });
    expect(status).toBe(200);
    const trace = await traceWith(traceId, 'background_worker/process_job');
    const job = trace.get('background_worker', 'process_job');
    expect(job.error).toContain('the text cannot be transformed');
    expect(trace.childrenOf(job).map(({ name, error }) => [name, error !== undefined])).toEqual([
      ['fetch_data', false],
      ['transform_data', true],
    ]);
    expect(trace.logsOf(job)).toContain(`Job ${body.jobId!} failed`);
    expect(await workerMetric('jobs_failed_total')).toBe(failed + 1);
    expect((await fetch(`${system.urls.worker}/jobs/${body.jobId!}`)).status).toBe(404);
  });

  it('shows a statement for each result of a list in the trace of GET /jobs with simulate=n-plus-one', async () => {
    const list = async (query: string): Promise<{ results: unknown[]; statements: number }> => {
      const traceId = randomBytes(16).toString('hex');
      const response = await fetch(`${system.urls.worker}/jobs?userId=linus${query}`, {
        headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
      });
      const trace = await traceWith(traceId, 'background_worker/GET /jobs');
      const isStatement = ({ attributes }: CollectedSpan): boolean => 'db.query.text' in attributes;
      return {
        results: (await response.json()) as unknown[],
        statements: trace.spans.filter(isStatement).length,
      };
    };
    const { traceId } = await post({ text: 'a result', userId: 'linus' });
    await traceWith(traceId, 'background_worker/process_job');
    const inOne = await list('');
    expect(inOne).toMatchObject({ statements: 1 });
    expect(inOne.results.length).toBeGreaterThan(0);
    const oneByOne = await list('&simulate=n-plus-one');
    expect(oneByOne).toEqual({ results: inOne.results, statements: 1 + inOne.results.length });
  });

  it('holds the event loop of the gateway for 800 ms with simulate.cpu=busy', async () => {
    const { status, traceId } = await post({ text: 'hello', simulate: { cpu: 'busy' } });
    expect(status).toBe(200);
    const trace = await traceWith(traceId, 'api_gateway/validate_data', 'background_worker/process_job');
    expect(trace.get('api_gateway', 'validate_data').durationMs).toBeGreaterThanOrEqual(800);
  });

  it('counts a job that was completed', async () => {
    const completed = await workerMetric('jobs_completed_total');
    const { traceId } = await post({ text: 'hello' });
    await traceWith(traceId, 'background_worker/process_job');
    expect(await workerMetric('jobs_completed_total')).toBe(completed + 1);
  });

  it.each(SERVICES)('answers GET /health of the %s', async (service) => {
    const response = await fetch(`${system.urls[service]}/health`);
    expect(await response.json()).toEqual({ status: 'ok' });
  });

  it('runs a scheduled job in the background worker', async () => {
    await eventually(
      'a run of delete_old_results',
      async () =>
        (await scrapeMetric(system.urls.worker, 'nestjs_schedule_run_duration_seconds_count', {
          code_function_name: 'ResultCleanup.deleteOldResults',
          nestjs_schedule_type: 'cron',
          outcome: 'success',
        })) > 0,
    );
  });

  describe('with a fault', () => {
    let beganAt: number;

    async function begin(fault: string): Promise<void> {
      beganAt = Date.now();
      await system.setFault(fault);
    }

    afterEach(async () => {
      await system.setFault(undefined);
    });

    /** A trace of these conditions that began with or after the fault, and has what is looked for. */
    async function findAnalysis(
      conditions: string,
      isFound: (trace: AnalysedTrace) => boolean,
    ): Promise<TraceAnalysis> {
      let last: AnalysedTrace | undefined;
      await eventually(
        `a trace of ${conditions}`,
        async () => {
          const { items } = await askPage<Page<TraceSummaryAnswer>>(
            `traces?limit=5&from=${beganAt}&${conditions}`,
          );
          for (const { traceId } of items) {
            last = await askPage<AnalysedTrace>(`traces/${traceId}`);
            if (isFound(last)) return true;
          }
          return false;
        },
        SETTLE_WITHIN_MS,
        { everyMs: 200 },
      ).catch((error: unknown) => {
        const names = last?.spans.map(({ service, name }) => `${service}/${name}`);
        throw new Error(`last was ${JSON.stringify({ names, analysis: last?.analysis })}`, { cause: error });
      });
      return last!.analysis;
    }
    /**
     * Each process writes its spans to the store some time after they ended. While the server span of a called service is missing, the
     * call itself looks like the slowest part.
     */
    const isWhole = ({ spans }: AnalysedTrace): boolean =>
      ['api_gateway', 'orchestrator', 'background_worker'].every((entered) =>
        spans.some(({ service, kind }) => service === entered && kind === 'server'),
      );
    /** What takes most of the time. */
    const longest = ({ byKind }: TraceAnalysis): TraceAnalysis['byKind'][number] =>
      [...byKind].sort((a, b) => b.ms - a.ms)[0]!;

    it('slow-llm, shows the HTTP call of the model as what a request waits for', async () => {
      await begin('slow-llm');
      const isFound = (trace: AnalysedTrace): boolean =>
        isWhole(trace) && longest(trace.analysis).kind === 'http';
      const analysis = await findAnalysis('route=/process&minMs=1400', isFound);
      const { host } = new URL(system.urls.llm);
      expect(longest(analysis)).toMatchObject({ slowest: { name: 'POST', host } });
      expect(longest(analysis).ms).toBeGreaterThan(1_400);
    });

    it('db-pool, shows the wait for a connection', async () => {
      await begin('db-pool');
      const isFound = ({ analysis }: AnalysedTrace): boolean =>
        longest(analysis).slowest?.name === 'pg.pool.connect';
      const analysis = await findAnalysis('route=/process&minMs=300', isFound);
      expect(longest(analysis)).toMatchObject({ kind: 'waiting' });
    });

    it('n-plus-one, shows a statement that is sent for each row, and how often', async () => {
      await begin('n-plus-one');
      const isFound = ({ analysis }: AnalysedTrace): boolean => analysis.repeated.length > 0;
      const { repeated } = await findAnalysis('route=/jobs&method=GET&service=background_worker', isFound);
      expect(repeated[0]).toMatchObject({ through: 'JobRepository.findResult' });
    });

    it('memory, shows a heap that grows with the requests', async () => {
      const heap = async (): Promise<readonly number[]> => {
        const processes = await askPage<readonly ProcessAnswer[]>('processes');
        const { instance } = processes.find(({ service }) => service === 'orchestrator')!;
        const charts = await askPage<ProcessChartsAnswer>(
          `processes/charts?service=orchestrator&instance=${instance}&buckets=1000`,
        );
        const { peaks } = charts.series.find(({ metric }) => metric === 'heapUsed')!;
        return peaks.filter((value) => value !== null);
      };
      const before = Math.max(...(await heap()));
      await begin('memory');
      await eventually(
        'a heap that has grown by 20 MB',
        async () => (await heap()).at(-1)! > before + 20e6,
        4 * SETTLE_WITHIN_MS,
      );
    }, 70_000);
  });

  it('has an error that begins when version 0.2.0 of the worker is deployed', async () => {
    const jobOf = async (): Promise<CollectedSpan> => {
      const { traceId } = await post({ text: 'how are you?' });
      const trace = await traceWith(traceId, 'background_worker/process_job');
      return trace.get('background_worker', 'process_job');
    };
    expect((await jobOf()).error).toBeUndefined();
    await system.deploy('worker', '0.2.0');
    expect((await jobOf()).error).toContain('a question has no summary');
    let found: readonly Finding[] = [];
    await eventually('the finding', async () => {
      found = (await askPage<{ readonly findings: readonly Finding[] }>('findings')).findings;
      return found.some(({ kind, type }) => kind === 'new-error' && type === 'UnsupportedTextError');
    });
    expect(found.find(({ type }) => type === 'UnsupportedTextError')).toMatchObject({
      service: 'background_worker',
      firstVersion: '0.2.0',
    });
  });

  it('stops all processes when it is asked to', async () => {
    expect(await system.stop()).toBe(0);
    for (const service of SERVICES) {
      await expect(fetch(`${system.urls[service]}/health`)).rejects.toThrow('fetch failed');
    }
  });
});
