import 'nestjs-telemetry/testing/jest';

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import { configureTelemetry, getTelemetry, instrument } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';
import OpenAI from 'openai';

import { resolve } from '../../config/resolve.js';
import { eventually } from '../../support/eventually.js';

interface Request {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages?: readonly { readonly content: string }[];
}

const USAGE = {
  prompt_tokens: 12,
  completion_tokens: 5,
  total_tokens: 17,
  prompt_tokens_details: { cached_tokens: 4 },
};

/** Answers as OpenAI's API does; a model called `busy` is never available. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { model, stream, messages } = (await json(request)) as Request;
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (model === 'busy') {
    send(429, { error: { message: 'too many requests', type: 'requests', code: 'rate_limit' } });
  } else if (request.url === '/v1/embeddings') {
    const embedding = Buffer.from(new Float32Array([0.5, 0.25]).buffer).toString('base64');
    send(200, {
      object: 'list',
      model: `${model}-1`,
      data: [{ index: 0, embedding }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
  } else if (request.url === '/v1/responses') {
    const output = [
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello Ada' }] },
    ];
    const usage = { input_tokens: 7, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 } };
    const done = {
      object: 'response',
      id: 'resp_1',
      model: `${model}-1`,
      status: 'completed',
      output,
      usage,
    };
    if (stream !== true) send(200, done);
    else
      sendEvents(response, [
        { type: 'response.created', response: { ...done, status: 'in_progress', usage: null, output: [] } },
        { type: 'response.output_text.delta', delta: 'Hello Ada' },
        { type: 'response.completed', response: done },
      ]);
  } else if (stream === true) {
    const chunk = (choices: unknown[], usage: unknown = null) => ({
      id: 'chat_1',
      object: 'chat.completion.chunk',
      model: `${model}-1`,
      choices,
      usage,
    });
    sendEvents(response, [
      chunk([{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }]),
      chunk([{ index: 0, delta: { content: ' Ada' }, finish_reason: null }]),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([], USAGE),
    ]);
  } else {
    const content = `You said: ${messages?.at(-1)?.content ?? ''}`;
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
    send(200, {
      id: 'chat_1',
      object: 'chat.completion',
      model: `${model}-1`,
      choices,
      usage: USAGE,
      service_tier: 'default',
    });
  }
}

function sendEvents(response: ServerResponse, events: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end('data: [DONE]\n\n');
}

describe("instrument('openai')", () => {
  const probe = createTelemetryProbe();
  let server: Server;
  let client: OpenAI;
  let telemetry: ReturnType<typeof configureTelemetry>;
  let undo: () => void;

  const start = (captureContent?: boolean): void => {
    telemetry = configureTelemetry({
      ...probe.options,
      instrumentation: {
        runtimeMetrics: false,
        openai: captureContent === undefined ? true : { captureContent },
      },
    });
  };
  beforeAll(async () => {
    server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    client = new OpenAI({ apiKey: 'sk-test', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
    start(false);
    undo = instrument('openai', OpenAI);
  });
  beforeEach(() => {
    probe.reset();
  });
  afterAll(async () => {
    undo();
    await telemetry.shutdown();
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  const below = <T>(work: () => Promise<T>): Promise<T> => getTelemetry('test').trace('caller', work);
  const chat = (model: string, content = 'hi') =>
    client.chat.completions.create({
      model,
      temperature: 0.2,
      max_completion_tokens: 50,
      messages: [{ role: 'user', content }],
    });
  const modelSpans = () => probe.spans().filter(({ attributes }) => 'gen_ai.operation.name' in attributes);

  it('gives a chat completion one CLIENT span, with what was asked for and what it took', async () => {
    const completion = await below(() => chat('gpt-5'));
    expect(completion.choices[0]!.message.content).toBe('You said: hi');
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'openai.api.type': 'chat_completions',
      'gen_ai.request.model': 'gpt-5',
      'gen_ai.request.temperature': 0.2,
      'gen_ai.request.max_tokens': 50,
      'gen_ai.response.id': 'chat_1',
      'gen_ai.response.model': 'gpt-5-1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'openai.response.service_tier': 'default',
      'server.address': '127.0.0.1',
    };
    expect(probe).toHaveSpan({ name: 'chat gpt-5', kind: 'client', parent: 'caller', attributes, times: 1 });
    expect(JSON.stringify(probe.span('chat gpt-5').attributes)).not.toContain('You said');
    expect(probe).toHaveSpan({
      name: 'POST',
      parent: 'chat gpt-5',
      attributes: { 'url.full': expect.any(String) as unknown },
    });
  });

  it('reads a stream as the application does, and ends the span with its last chunk', async () => {
    const text = await below(async () => {
      const stream = await client.chat.completions.create({
        model: 'gpt-5',
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'hi' }],
      });
      let read = '';
      for await (const chunk of stream) read += chunk.choices[0]?.delta.content ?? '';
      return read;
    });
    expect(text).toBe('Hello Ada');
    expect(probe.span('chat gpt-5').attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.response.model': 'gpt-5-1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.output_tokens': 5,
      'gen_ai.response.time_to_first_chunk': expect.any(Number) as number,
    });
  });

  it('ends the span of a stream that the reader breaks off, without an error', async () => {
    await below(async () => {
      const stream = await client.chat.completions.create({ model: 'gpt-5', stream: true, messages: [] });
      for await (const chunk of stream) if (chunk.choices.length > 0) break;
    });
    expect(probe).toHaveSpan({ name: 'chat gpt-5', status: 'unset', times: 1 });
  });

  it('records responses, streamed or not, and the helper that collects a stream', async () => {
    await below(async () => {
      const response = await client.responses.create({ model: 'gpt-5', input: 'hi', max_output_tokens: 20 });
      expect(response.output_text).toBe('Hello Ada');
      for await (const event of await client.responses.create({ model: 'o3', input: 'hi', stream: true }))
        expect(event.type).toMatch(/^response\./);
      const collected = client.chat.completions.stream({
        model: 'o4',
        messages: [{ role: 'user', content: 'hi' }],
      });
      expect((await collected.finalChatCompletion()).choices[0]!.message.content).toBe('Hello Ada');
    });
    const usage = {
      'openai.api.type': 'responses',
      'gen_ai.response.id': 'resp_1',
      'gen_ai.response.finish_reasons': ['completed'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 2,
      'gen_ai.usage.reasoning.output_tokens': 1,
    };
    expect(probe.span('chat gpt-5').attributes).toMatchObject({ ...usage, 'gen_ai.request.max_tokens': 20 });
    expect(probe.span('chat o3').attributes).toMatchObject({ ...usage, 'gen_ai.request.stream': true });
    expect(probe.span('chat o4').attributes['gen_ai.usage.output_tokens']).toBe(5);
    expect(modelSpans()).toHaveLength(3);
  });

  it('records embeddings, which the package decodes as before', async () => {
    const { data } = await below(() =>
      client.embeddings.create({ model: 'small', input: 'hi', dimensions: 2 }),
    );
    expect([...data[0]!.embedding]).toEqual([0.5, 0.25]);
    expect(probe.span('embeddings small').attributes).toMatchObject({
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.embeddings.dimension.count': 2,
      'gen_ai.response.model': 'small-1',
      'gen_ai.usage.input_tokens': 3,
    });
  });

  it('records the error, and rejects with the same one', async () => {
    await expect(below(() => chat('busy'))).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const attributes = { 'error.type': 'rate_limit' };
    expect(probe).toHaveSpan({ name: 'chat busy', status: 'error', attributes, times: 1 });
  });

  it('keeps the raw response at hand, and ends the span of one that is not parsed', async () => {
    const { data, response } = await below(() => chat('gpt-5').withResponse());
    expect([data.id, response.status]).toEqual(['chat_1', 200]);
    expect(modelSpans()).toHaveLength(1);
    probe.reset();
    const raw = await below(() => chat('gpt-5').asResponse());
    expect(await raw.text()).toContain('You said');
    await eventually(() => modelSpans().length === 1);
  });

  it('measures durations and tokens', async () => {
    await below(() => chat('measured'));
    await below(() => chat('busy')).catch(() => undefined);
    const labels = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' };
    const measured = { ...labels, 'gen_ai.request.model': 'measured', 'gen_ai.response.model': 'measured-1' };
    const points = async (name: string) => (await probe.metric(name))?.dataPoints ?? [];
    const sums = (await points('gen_ai.client.token.usage'))
      .filter(({ attributes }) => attributes['gen_ai.request.model'] === 'measured')
      .map(({ attributes, value }) => [attributes['gen_ai.token.type'], (value as { sum: number }).sum]);
    expect(sums).toEqual([
      ['input', 12],
      ['output', 5],
    ]);
    const durations = (await points('gen_ai.client.operation.duration')).map(({ attributes }) => attributes);
    expect(durations).toContainEqual(expect.objectContaining(measured));
    expect(durations).toContainEqual(
      expect.objectContaining({ ...labels, 'gen_ai.request.model': 'busy', 'error.type': 'rate_limit' }),
    );
  });

  it('records prompts and answers when it is asked to, without secrets in them', async () => {
    await telemetry.shutdown();
    start(true);
    await below(() => chat('gpt-5', 'my card is 4111 1111 1111 1111'));
    const { attributes } = probe.span('chat gpt-5');
    const parsed = (name: string): unknown => JSON.parse(String(attributes[name]));
    expect(parsed('gen_ai.input.messages')).toEqual([
      {
        role: 'user',
        parts: [{ type: 'text', content: expect.stringMatching(/^my card is (?!4111)/) as string }],
      },
    ]);
    expect(parsed('gen_ai.output.messages')).toMatchObject([
      { role: 'assistant', parts: [{ type: 'text' }], finish_reason: 'stop' },
    ]);
    expect(JSON.stringify(attributes)).not.toContain('4111');
  });

  it.each([
    ['true', true],
    ['SPAN_ONLY', true],
    ['span_and_event', true],
    ['event_only', false],
    ['false', false],
  ])(
    'is asked to by OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=%s: %s',
    async (value, isRecorded) => {
      await telemetry.shutdown();
      process.env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT = value;
      try {
        start();
      } finally {
        delete process.env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT;
      }
      await below(() => chat('gpt-5', 'hello'));
      expect('gen_ai.input.messages' in probe.span('chat gpt-5').attributes).toBe(isRecorded);
    },
  );

  it('is asked to by the option rather than by the variable', () => {
    const variables = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'true' };
    const { openai } = resolve(
      { instrumentation: { openai: { captureContent: false } } },
      variables,
    ).instrumentation;
    expect(openai).toEqual({ captureContent: false });
  });

  it('records nothing once it is undone', async () => {
    undo();
    await telemetry.shutdown();
    telemetry = configureTelemetry({ ...probe.options, instrumentation: false });
    await below(() => chat('gpt-5'));
    expect(modelSpans()).toEqual([]);
  });
});
