import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Span, trace } from '@opentelemetry/api';
import { pino } from 'pino';

import { warningCounts } from '../../lib/errors/warnings.js';
import { startLogging } from '../../lib/logging/start-logging.js';
import { eventually } from '../support/eventually.js';
import {
  createConfig,
  inSpan,
  type ObservedLogging,
  observeLogging,
  stopObserving,
} from './observe-logging.js';

describe('the root logger', () => {
  let logging: ObservedLogging | undefined;

  afterEach(() => {
    stopObserving(logging);
  });

  it('names the service and, inside a span, carries its three ids', () => {
    logging = observeLogging();
    const ids = inSpan('work', (span) => {
      logging!.logger!.info('inside');
      return span.spanContext();
    });

    expect(logging.line()).toMatchObject({
      level: 30,
      service: 'orchestrator',
      msg: 'inside',
      trace_id: ids.traceId,
      span_id: ids.spanId,
      trace_flags: '01',
    });
  });

  it('writes no ids, not even zeros, outside a span', () => {
    logging = observeLogging();
    logging.logger!.info('outside');
    trace.getTracer('none');

    expect(Object.keys(logging.line())).toEqual(['level', 'time', 'service', 'msg']);
  });

  it('writes no ids when the active span is invalid', () => {
    logging = observeLogging();
    trace.disable();
    trace.getTracer('none').startActiveSpan('noop', (span: Span) => {
      logging!.logger!.info('in a no-op span');
      span.end();
    });

    expect(logging.line()).not.toHaveProperty('trace_id');
  });

  it('keeps mixin, base, serializers, hooks and key names of the application', () => {
    const seen: number[] = [];
    logging = observeLogging({
      pino: {
        base: { region: 'eu' },
        messageKey: 'message',
        errorKey: 'error',
        mixin: () => ({ tenant: 'acme' }),
        serializers: { user: (user: { id: number }) => user.id },
        hooks: {
          logMethod(args, method, level) {
            seen.push(level);
            method.apply(this, args);
          },
        },
      },
    });
    inSpan('work', () => {
      logging!.logger!.error({ user: { id: 7 }, error: new RangeError('too far') }, 'hello');
    });

    expect(logging.line()).toMatchObject({
      service: 'orchestrator',
      region: 'eu',
      tenant: 'acme',
      trace_id: expect.any(String) as string,
      user: 7,
      message: 'hello',
      error: { type: 'RangeError', message: 'too far' },
    });
    expect(seen).toEqual([50]);
    expect(logging.logRecords()[0]!.attributes).toMatchObject({
      'exception.type': 'RangeError',
      tenant: 'acme',
    });
  });

  it('writes nothing below its level', () => {
    logging = observeLogging({ level: 'warn' });
    logging.logger!.info('too quiet');
    logging.logger!.warn('loud enough');

    expect(logging.lines().map((line) => line.msg)).toEqual(['loud enough']);
  });

  it('does not let extras called level, time or service falsify the line', () => {
    logging = observeLogging();
    logging.logger!.info({ level: 'gold', time: 'noon', service: 'other' }, 'customer');

    expect(logging.line()).toMatchObject({
      level: 30,
      time: expect.any(Number) as number,
      service: 'orchestrator',
      extra_level: 'gold',
      extra_time: 'noon',
      extra_service: 'other',
    });
    expect(logging.logRecords()[0]).toMatchObject({ severityText: 'INFO' });
  });

  it('continues without the fields of a mixin that throws, and warns once', () => {
    logging = observeLogging({
      pino: {
        mixin: () => {
          throw new Error('mixin broke');
        },
      },
    });
    logging.logger!.info('one');
    logging.logger!.info('two');

    expect(logging.lines().map((line) => line.msg)).toContain('one');
    expect(warningCounts().get('logging:mixin')).toBeGreaterThan(0);
    expect(logging.text.filter((line) => line.includes('mixin broke'))).toHaveLength(1);
  });

  it('writes the text form of the reference when the format is text', () => {
    logging = observeLogging({ format: 'text' });
    const ids = inSpan('work', (span) => {
      logging!.logger!.info('Processing request');
      return span.spanContext();
    });

    expect(logging.text).toEqual([`INFO - Processing request [trace:${ids.traceId}] [span:${ids.spanId}]\n`]);
  });

  it('writes JSON through a pino transport and still feeds log records', async () => {
    logging = observeLogging();
    const folder = await mkdtemp(join(tmpdir(), 'logging-'));
    const file = join(folder, 'lines.log');
    const transport = { target: 'pino/file', options: { destination: file } };
    const started = startLogging(createConfig({ format: 'text', pino: { transport } }), {
      emitLogRecords: true,
    });
    started.logger!.info('both');
    started.stop();
    await eventually(async () => (await readFile(file, 'utf8').catch(() => '')).endsWith('\n'));

    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ msg: 'both', service: 'orchestrator' });
    expect(logging.logRecords().map((record) => record.body)).toEqual(['both']);
    await rm(folder, { recursive: true });
  });

  it('leaves levels as pino numbers them, so that pino can be configured to write labels', () => {
    logging = observeLogging({ pino: { formatters: { level: (label) => ({ level: label }) } } });
    logging.logger!.warn('labelled');

    expect(logging.line().level).toBe('warn');
    expect(logging.logRecords()[0]).toMatchObject({ severityNumber: 13, severityText: 'WARN' });
    expect(pino.levels.values.warn).toBe(40);
  });
});
