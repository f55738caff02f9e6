import { describeWith } from './backend-processes.js';
import { JaegerServer, type JaegerTrace, toRecord } from './jaeger-server.js';
import { type Processed, SampleSystem } from './sample-system.js';

/** How the sample system is told to send, and what is said there: `localhost:6831` without a scheme, too. */
const transports: readonly [name: string, env: (host: string) => Record<string, string>][] = [
  ['OTLP/gRPC', (host) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `${host}:4317` })],
  ['OTLP/HTTP', (host) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}:4318` })],
  ['compact Thrift over UDP', (host) => ({ OTEL_EXPORTER_JAEGER_ENDPOINT: `${host}:6831` })],
  ['binary Thrift over UDP', (host) => ({ OTEL_EXPORTER_JAEGER_ENDPOINT: `${host}:6832` })],
  ['Thrift over HTTP', (host) => ({ OTEL_EXPORTER_JAEGER_ENDPOINT: `http://${host}:14268/api/traces` })],
];

/** The last spans to end in each service when the job of the request fails. */
const ends = ['api_gateway/POST /process', 'orchestrator/POST /process', 'background_worker/process_job'];

describeWith('jaeger', 'a real Jaeger', (binary) => {
  describe.each(transports)('fed by %s', (_, sendTo) => {
    let jaeger: JaegerServer;
    let system: SampleSystem;
    let answer: Processed;
    let trace: JaegerTrace;
    beforeAll(async () => {
      jaeger = await JaegerServer.start(binary);
      system = await SampleSystem.start(sendTo(jaeger.host));
      answer = await system.process({ text: 'hello', simulate: { job: 'fail' } });
      trace = await jaeger.trace(answer.traceId, ends);
    });
    afterAll(async () => {
      await system.stop();
      await jaeger.stop();
    });

    it('knows the three services', async () => {
      expect(await jaeger.services()).toEqual(
        expect.arrayContaining(['api_gateway', 'background_worker', 'orchestrator']),
      );
      expect(new Set(trace.spans.map((span) => trace.serviceOf(span))).size).toBe(3);
    });

    it('shows one request as one tree, from the gateway to the job', () => {
      const roots = trace.spans.filter((span) => trace.parentOf(span) === undefined);
      expect(roots.map((span) => span.operationName)).toEqual(['POST /process']);
      expect(trace.pathOf(trace.find('orchestrator/llm.generate'))).toEqual(
        expect.arrayContaining([
          'orchestrator/orchestrator.process',
          'orchestrator/POST /process',
          'api_gateway/handle_request',
          'api_gateway/POST /process',
        ]),
      );
      expect(trace.pathOf(trace.find('orchestrator/tts.synthesize'))).toContain(
        'orchestrator/orchestrator.process',
      );
      expect(trace.pathOf(trace.find('background_worker/process_job'))).toEqual(
        expect.arrayContaining(['background_worker/POST /jobs', 'orchestrator/orchestrator.process']),
      );
      expect(trace.pathOf(trace.find('background_worker/fetch_data'))[1]).toBe(
        'background_worker/process_job',
      );
    });

    it('puts the client span of the caller between two services', () => {
      const client = trace.parentOf(trace.find('orchestrator/POST /process'))!;
      expect(trace.serviceOf(client)).toBe('api_gateway');
      expect(toRecord(client.tags)).toMatchObject({ 'span.kind': 'client', 'http.request.method': 'POST' });
    });

    it('keeps attributes, with their types, and what describes the service', () => {
      const server = trace.find('api_gateway/POST /process');
      expect(toRecord(server.tags)).toMatchObject({
        'span.kind': 'server',
        'http.request.method': 'POST',
        'http.route': '/process',
        'http.response.status_code': 200,
      });
      expect(toRecord(trace.find('orchestrator/tts.synthesize').tags)).toMatchObject({ 'tts.voice': 'alto' });
      expect(toRecord(trace.find('background_worker/process_job').tags)).toMatchObject({
        job_id: answer.body.jobId,
      });
      expect(trace.processTags(server)).toMatchObject({ 'deployment.environment.name': 'production' });
    });

    it('shows the failed job as an error, and nothing above it as one', () => {
      for (const name of ['transform_data', 'process_job']) {
        const tags = toRecord(trace.find(`background_worker/${name}`).tags);
        expect(tags).toMatchObject({ error: true, 'otel.status_code': 'ERROR' });
      }
      expect(toRecord(trace.find('background_worker/POST /jobs').tags)).not.toHaveProperty('error');
      expect(toRecord(trace.find('api_gateway/POST /process').tags)).not.toHaveProperty('error');
    });

    it('shows the exception once, on the span it was thrown in', () => {
      const exceptions = trace.spans.flatMap((span) =>
        span.logs
          .map(({ fields }) => toRecord(fields))
          .filter(({ event }) => event === 'exception')
          .map((exception) => ({ ...exception, span: span.operationName })),
      );
      expect(exceptions).toEqual([
        expect.objectContaining({
          span: 'transform_data',
          'exception.type': 'Error',
          'exception.message': 'the text cannot be transformed',
          'exception.stacktrace': expect.stringContaining('JobProcessor') as string,
        }),
      ]);
    });

    it('shows log lines as events of the span they were written in', () => {
      const texts = (name: string): string[] =>
        trace.find(name).logs.map(({ fields }) => JSON.stringify(fields));
      expect(texts('api_gateway/validate_data').join()).toContain('Validating input');
      expect(texts('orchestrator/orchestrator.process').join()).toContain('Processing request');
      expect(texts('background_worker/process_job').join()).toContain(`Job ${answer.body.jobId!} failed`);
    });

    it('shows a refused request without an error', async () => {
      const refused = await system.process({ text: '' });
      const { spans } = await jaeger.trace(refused.traceId, ['api_gateway/POST /process']);
      const server = spans.find(({ operationName }) => operationName === 'POST /process')!;
      expect(refused.status).toBe(400);
      expect(toRecord(server.tags)).toMatchObject({ 'http.response.status_code': 400 });
      expect(toRecord(server.tags)).not.toHaveProperty('error');
    });
  });
});
