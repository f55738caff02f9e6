import { type Attributes, type Context, context, type Span, SpanKind, trace } from '@opentelemetry/api';

import {
  ATTR_GEN_AI_EMBEDDINGS_DIMENSION_COUNT,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_OUTPUT_MESSAGES,
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_CHOICE_COUNT,
  ATTR_GEN_AI_REQUEST_ENCODING_FORMATS,
  ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY,
  ATTR_GEN_AI_REQUEST_MAX_TOKENS,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY,
  ATTR_GEN_AI_REQUEST_SEED,
  ATTR_GEN_AI_REQUEST_STOP_SEQUENCES,
  ATTR_GEN_AI_REQUEST_STREAM,
  ATTR_GEN_AI_REQUEST_TEMPERATURE,
  ATTR_GEN_AI_REQUEST_TOP_P,
  ATTR_GEN_AI_RESPONSE_FINISH_REASONS,
  ATTR_GEN_AI_RESPONSE_ID,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_OPENAI_API_TYPE,
  ATTR_OPENAI_RESPONSE_SERVICE_TIER,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import { recordModelCall } from '../../../metrics/gen-ai-client-metrics.js';
import { currentRuntime } from '../../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../../tracing/error-policy.js';
import { type Answer, type Api, type Fields, fieldsOf, jsonOf } from './openai-apis.js';

const SCOPE = 'nestjs-telemetry/openai';

/** An answer that is not parsed, and a stream that is not read, end their span after this time. */
const UNPARSED_MS = 2_000;
const UNREAD_STREAM_MS = 30_000;

/** What a call is counted under. */
type Labels = Readonly<Record<string, string | number>>;

/** Providers that speak OpenAI's API, by the end of their host. */
const PROVIDERS: readonly (readonly [host: string, provider: string])[] = [
  ['openai.azure.com', 'azure.ai.openai'],
  ['services.ai.azure.com', 'azure.ai.inference'],
  ['api.deepseek.com', 'deepseek'],
  ['api.groq.com', 'groq'],
  ['api.mistral.ai', 'mistral_ai'],
  ['api.perplexity.ai', 'perplexity'],
  ['api.x.ai', 'x_ai'],
];

const servers = new WeakMap<object, Labels>();

/** Provider and server of the client that a resource belongs to. */
export function serverOf(resource: unknown): Labels {
  const client = fieldsOf(fieldsOf(resource)._client);
  let server = servers.get(client);
  if (server === undefined) {
    const url = URL.parse(String(client.baseURL));
    const provider = PROVIDERS.find(([host]) => url?.hostname.endsWith(host))?.[1] ?? 'openai';
    server = {
      [ATTR_GEN_AI_PROVIDER_NAME]: provider,
      ...(url !== null && {
        [ATTR_SERVER_ADDRESS]: url.hostname,
        [ATTR_SERVER_PORT]: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
      }),
    };
    servers.set(client, server);
  }
  return server;
}

/** One call, from its beginning to the last part of its answer. */
export class ModelCall {
  private readonly startedAt = performance.now();
  private readonly labels: Labels;
  private readonly span: Span | undefined;
  private readonly captureContent: boolean;
  private readonly answer: Answer = { finishReasons: [], texts: [] };
  private firstChunkAt: number | undefined;
  private unread: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(
    private readonly api: Api,
    request: Fields,
    server: Labels,
  ) {
    const model = typeof request.model === 'string' ? request.model : '';
    this.labels = {
      [ATTR_GEN_AI_OPERATION_NAME]: api.operation,
      ...server,
      ...(model !== '' && { [ATTR_GEN_AI_REQUEST_MODEL]: model }),
    };
    this.captureContent = currentRuntime()?.config.instrumentation.openai?.captureContent === true;
    if (!shouldStartSpan()) return;
    const attributes = { ...this.labels, ...requestAttributes(request, api) };
    if (this.captureContent) Object.assign(attributes, primitives(api.input(request)));
    const name = model === '' ? api.operation : `${api.operation} ${model}`;
    this.span = tracerFor(SCOPE).startSpan(name, { kind: SpanKind.CLIENT, attributes });
  }

  contextBelow(caller: Context): Context {
    return this.span === undefined ? caller : trace.setSpan(caller, this.span);
  }

  /**
   * Follows the promise of the package, which parses the answer only when it is asked for. Its two
   * parts are replaced and nothing is asked for, so an answer that is never read, or an error that
   * is never handled, stays what it was.
   */
  follow(result: unknown): boolean {
    const promise = fieldsOf(result);
    const { responsePromise, parseResponse } = promise;
    if (!(responsePromise instanceof Promise) || typeof parseResponse !== 'function') return false;
    let isRead = false;
    const replaced = {
      responsePromise: responsePromise.then(
        (response: unknown) => {
          if (!isRead) this.endUnlessRead(UNPARSED_MS);
          return response;
        },
        (error: unknown) => {
          this.end(error);
          throw error;
        },
      ),
      parseResponse: async (...args: unknown[]): Promise<unknown> => {
        isRead = true;
        clearTimeout(this.unread);
        try {
          const parsed: unknown = await Reflect.apply(parseResponse, result, args);
          this.read(parsed);
          return parsed;
        } catch (error) {
          this.end(error);
          throw error;
        }
      },
    };
    Object.assign(promise, replaced);
    return true;
  }

  private endUnlessRead(withinMs: number): void {
    this.unread = setTimeout(() => {
      this.end();
    }, withinMs);
    this.unread.unref();
  }

  private read(parsed: unknown): void {
    const stream = fieldsOf(parsed);
    const { iterator } = stream;
    if (typeof iterator === 'function') {
      this.endUnlessRead(UNREAD_STREAM_MS);
      const iterate = iterator as () => AsyncIterator<unknown>; // a Stream of the package, whose member is private
      Object.assign(stream, { iterator: () => this.followChunks(iterate.call(stream)) });
      return;
    }
    this.api.read(this.answer, stream);
    this.end();
  }

  /** Ends with the last chunk, and where the reader breaks off. */
  private async *followChunks(chunks: AsyncIterator<unknown>): AsyncGenerator {
    clearTimeout(this.unread);
    try {
      for await (const chunk of { [Symbol.asyncIterator]: () => chunks }) {
        this.firstChunkAt ??= performance.now();
        this.api.read(this.answer, fieldsOf(chunk));
        yield chunk;
      }
    } catch (error) {
      this.end(error);
      throw error;
    } finally {
      this.end();
    }
  }

  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.unread);
    const { span, labels, answer } = this;
    const below = span === undefined ? undefined : this.contextBelow(context.active());
    if (span !== undefined) {
      span.setAttributes(this.answerAttributes());
      if (error !== undefined) recordFailure(span, error);
      span.end();
    }
    const measured = {
      ...labels,
      ...(typeof answer.model === 'string' && { [ATTR_GEN_AI_RESPONSE_MODEL]: answer.model }),
    };
    recordModelCall(measured, {
      durationSeconds: (performance.now() - this.startedAt) / 1_000,
      errorType: error === undefined ? undefined : errorTypeOf(error),
      inputTokens: countOf(inputTokensOf(answer.usage)),
      outputTokens: countOf(outputTokensOf(answer.usage)),
      context: below,
    });
  }

  private answerAttributes(): Attributes {
    const { id, model, serviceTier, usage, finishReasons, texts } = this.answer;
    const cached = fieldsOf(usage?.prompt_tokens_details ?? usage?.input_tokens_details);
    const details = fieldsOf(usage?.completion_tokens_details ?? usage?.output_tokens_details);
    const messages = texts.map((content, index) => ({
      role: 'assistant',
      parts: [{ type: 'text', content }],
      finish_reason: finishReasons[index],
    }));
    return primitives({
      [ATTR_GEN_AI_RESPONSE_ID]: id,
      [ATTR_GEN_AI_RESPONSE_MODEL]: model,
      [ATTR_OPENAI_RESPONSE_SERVICE_TIER]: serviceTier,
      [ATTR_GEN_AI_RESPONSE_FINISH_REASONS]: finishReasons.length > 0 ? finishReasons : undefined,
      [ATTR_GEN_AI_USAGE_INPUT_TOKENS]: inputTokensOf(usage),
      [ATTR_GEN_AI_USAGE_OUTPUT_TOKENS]: outputTokensOf(usage),
      [ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS]: cached.cached_tokens,
      [ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS]: details.reasoning_tokens,
      [ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]:
        this.firstChunkAt === undefined ? undefined : (this.firstChunkAt - this.startedAt) / 1_000,
      [ATTR_GEN_AI_OUTPUT_MESSAGES]: this.captureContent && texts.length > 0 ? jsonOf(messages) : undefined,
    });
  }
}

function requestAttributes(request: Fields, { operation, type }: Api): Attributes {
  const { n, stop, stream, encoding_format: format } = request;
  return primitives({
    [ATTR_OPENAI_API_TYPE]: type,
    [ATTR_GEN_AI_REQUEST_STREAM]: stream === true ? true : undefined,
    [ATTR_GEN_AI_REQUEST_CHOICE_COUNT]: n === 1 ? undefined : n,
    [ATTR_GEN_AI_REQUEST_FREQUENCY_PENALTY]: request.frequency_penalty,
    [ATTR_GEN_AI_REQUEST_MAX_TOKENS]:
      request.max_completion_tokens ?? request.max_output_tokens ?? request.max_tokens,
    [ATTR_GEN_AI_REQUEST_PRESENCE_PENALTY]: request.presence_penalty,
    [ATTR_GEN_AI_REQUEST_SEED]: request.seed,
    [ATTR_GEN_AI_REQUEST_STOP_SEQUENCES]: typeof stop === 'string' ? [stop] : stop,
    [ATTR_GEN_AI_REQUEST_TEMPERATURE]: request.temperature,
    [ATTR_GEN_AI_REQUEST_TOP_P]: request.top_p,
    [ATTR_GEN_AI_EMBEDDINGS_DIMENSION_COUNT]: operation === 'embeddings' ? request.dimensions : undefined,
    [ATTR_GEN_AI_REQUEST_ENCODING_FORMATS]: typeof format === 'string' ? [format] : undefined,
  });
}

/** What can be an attribute; the application may write anything into a request. */
function primitives(values: Readonly<Record<string, unknown>>): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      attributes[name] = value;
    else if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
      attributes[name] = value;
  }
  return attributes;
}

// Chat completions and embeddings have other names for them than responses.
const inputTokensOf = (usage: Fields | undefined): unknown => usage?.prompt_tokens ?? usage?.input_tokens;
const outputTokensOf = (usage: Fields | undefined): unknown =>
  usage?.completion_tokens ?? usage?.output_tokens;
const countOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
