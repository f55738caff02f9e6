import { type Attributes, type Context, context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { option } from '../../../config/declare-options.js';
import { flag, flagOr, shape } from '../../../config/option-rules.js';
import {
  ATTR_GEN_AI_EMBEDDINGS_DIMENSION_COUNT,
  ATTR_GEN_AI_INPUT_MESSAGES,
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
  ATTR_GEN_AI_SYSTEM_INSTRUCTIONS,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
  ATTR_OPENAI_API_TYPE,
  ATTR_OPENAI_RESPONSE_SERVICE_TIER,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../../../config/semantic-conventions.constants.js';
import { isWrappedByOthers, patch } from '../../../invocation/patch.js';
import { recordModelCall } from '../../../metrics/gen-ai-client-metrics.js';
import { undoAll } from '../../../process/undo-all.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { currentRuntime } from '../../../runtime/sdk-runtime.js';
import { shouldStartSpan, tracerFor } from '../../../runtime/tracers.js';
import { errorTypeOf, recordFailure } from '../../../tracing/error-policy.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';

const SCOPE = 'nestjs-telemetry/openai';
const PACKAGE = fileOf('openai', 'index.js', 'index.mjs');

/** An answer that is not parsed, and a stream that is not read, end their span after this time. */
const UNPARSED_MS = 2_000;
const UNREAD_STREAM_MS = 30_000;

type Resource = abstract new (...args: never[]) => object;

/** Shape of `openai` as far as it is patched: its class, or the module with it. */
export interface OpenaiModule {
  readonly Chat?: { readonly Completions?: Resource };
  readonly Responses?: Resource;
  readonly Embeddings?: Resource;
}

/** Options of `instrumentation.openai` beyond on and off. */
export interface OpenaiInstrumentationOptions {
  /**
   * Records prompts and answers on the span; they may hold anything that users typed.
   *
   * They are the attributes `gen_ai.input.messages`, `gen_ai.output.messages` and
   * `gen_ai.system_instructions`, as JSON.
   *
   * Default false.
   */
  captureContent?: boolean;
}

export const openai = defineInstrumentation<
  OpenaiModule | { readonly OpenAI: OpenaiModule },
  OpenaiInstrumentationOptions,
  { readonly captureContent: boolean } | undefined
>({
  packages: ['openai'],
  clients: {
    openai: { replaces: ['@opentelemetry/instrumentation-openai'], start: patchLoadedOpenai },
  },
  patch: (module) => {
    const undo = patchOpenai('OpenAI' in module ? module.OpenAI : module);
    if (undo === undefined) throw new TypeError('it is no class of the openai package');
    return undo;
  },
  options: {
    rule: flagOr(
      shape(
        { captureContent: option(flag, { default: false, see: 'clients.md' }) },
        'true, false or { captureContent: true }',
      ),
    ),
    resolve: ({ captureContent = false }) => Object.freeze({ captureContent }),
  },
});

/**
 * Records calls of `openai` (chat completions, responses, embeddings) of each copy that is or will
 * be loaded. Returns the undo.
 */
function patchLoadedOpenai(): () => void {
  return whenModuleLoaded(PACKAGE, (exports): InstrumentedCopy | UnrecordedCopy => {
    const { OpenAI } = exports as { readonly OpenAI?: OpenaiModule };
    if (isWrappedByOthers(Reflect.get(OpenAI?.Chat?.Completions?.prototype ?? {}, 'create')))
      return RECORDED_BY_OTHERS;
    const undo = OpenAI && patchOpenai(OpenAI);
    return undo === undefined ? UNKNOWN_SHAPE : { undo };
  });
}

/** undefined where no class is found that is known here. */
function patchOpenai({ Chat, Responses, Embeddings }: OpenaiModule): (() => void) | undefined {
  const undo = [
    ...patchCreate(Chat?.Completions, CHAT_COMPLETIONS),
    ...patchCreate(Responses, RESPONSES),
    ...patchCreate(Embeddings, EMBEDDINGS),
  ];
  if (undo.length === 0) return undefined;
  return undoAll(undo);
}

type Create = (this: unknown, ...args: unknown[]) => unknown;

function patchCreate(resource: Resource | undefined, api: Api): (() => void)[] {
  const prototype: unknown = resource?.prototype;
  if (typeof prototype !== 'object' || prototype === null || !('create' in prototype)) return [];
  const wrap = (original: Create, state: { readonly active: boolean }): Create =>
    function (...args) {
      return state.active ? recordCall(this, original, args, api) : original.apply(this, args);
    };
  return [patch<Create>(prototype, 'create', wrap, { once: true })];
}

type Fields = Readonly<Record<string, unknown>>;

/** What one API of OpenAI says where. */
interface Api {
  readonly operation: 'chat' | 'embeddings';
  /** Value of `openai.api.type`; undefined where the operation says as much. */
  readonly type?: string;
  /** Prompts, as the conventions write them. */
  readonly input: (request: Fields) => Readonly<Record<string, unknown>>;
  /** Takes in an answer, or a part of one. */
  readonly read: (answer: Answer, part: Fields) => void;
}

/** What is known of an answer so far. */
interface Answer {
  id?: unknown;
  model?: unknown;
  serviceTier?: unknown;
  usage?: Fields | undefined;
  /** By the index of the choice. */
  readonly finishReasons: string[];
  readonly texts: string[];
}

const CHAT_COMPLETIONS: Api = {
  operation: 'chat',
  type: 'chat_completions',
  input: ({ messages }) => ({
    [ATTR_GEN_AI_INPUT_MESSAGES]: jsonOf(listOf(messages).map(messageOf)),
  }),
  read: (answer, part) => {
    readAnswer(answer, part);
    for (const choice of listOf(part.choices)) {
      const index = typeof choice.index === 'number' ? choice.index : 0;
      const reason = choice.finish_reason;
      if (typeof reason === 'string') answer.finishReasons[index] = reason;
      const { content } = fieldsOf(choice.message ?? choice.delta);
      if (typeof content === 'string') answer.texts[index] = (answer.texts[index] ?? '') + content;
    }
  },
};

const RESPONSES: Api = {
  operation: 'chat',
  type: 'responses',
  input: ({ input, instructions }) => ({
    [ATTR_GEN_AI_INPUT_MESSAGES]: jsonOf(
      typeof input === 'string'
        ? [messageOf({ role: 'user', content: input })]
        : listOf(input).map(messageOf),
    ),
    ...(typeof instructions === 'string' && {
      [ATTR_GEN_AI_SYSTEM_INSTRUCTIONS]: jsonOf([{ type: 'text', content: instructions }]),
    }),
  }),
  read: (answer, part) => {
    // An event of a stream carries the response as it is then.
    const response = fieldsOf(part.response ?? part);
    readAnswer(answer, response);
    const { status } = response;
    if (typeof status === 'string' && status !== 'in_progress' && status !== 'queued')
      answer.finishReasons[0] = status;
    const text = listOf(response.output)
      .flatMap(({ content }) => listOf(content))
      .map((each) => each.text)
      .filter((each) => typeof each === 'string')
      .join('');
    if (text !== '') answer.texts[0] = text;
  },
};

const EMBEDDINGS: Api = {
  operation: 'embeddings',
  input: ({ input }) => ({
    [ATTR_GEN_AI_INPUT_MESSAGES]: jsonOf([messageOf({ role: 'user', content: input })]),
  }),
  read: readAnswer,
};

function readAnswer(answer: Answer, part: Fields): void {
  if (part.id !== undefined) answer.id = part.id;
  if (part.model !== undefined) answer.model = part.model;
  if (part.service_tier !== undefined) answer.serviceTier = part.service_tier;
  if (typeof part.usage === 'object' && part.usage !== null) answer.usage = fieldsOf(part.usage);
}

function messageOf({ role, content, ...rest }: Fields): object {
  const parts =
    typeof content === 'string'
      ? [{ type: 'text', content }]
      : listOf(content).map((part) => ({ type: part.type ?? 'text', content: part.text ?? part }));
  return { role: role ?? rest.type, parts };
}

/** undefined for what JSON cannot hold; the request itself will fail with it. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // The caller gets the error from the package.
    return undefined;
  }
}

/** The objects of a list; a value that is none is an empty list. */
function listOf(value: unknown): readonly Fields[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.filter((each): each is Fields => typeof each === 'object' && each !== null);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}; // any object has fields
}

function recordCall(resource: unknown, create: Create, args: unknown[], api: Api): unknown {
  const caller = context.active();
  const request = fieldsOf(args[0]);
  const records = !isTracingSuppressed(caller) && (shouldStartSpan() || isRegistered('metrics'));
  if (!records) return create.apply(resource, args);
  const call = new ModelCall(api, request, serverOf(resource));
  try {
    // The request of HTTP is below the span.
    const result = context.with(call.contextBelow(caller), () => create.apply(resource, args));
    if (!call.follow(result)) call.end();
    return result;
  } catch (error) {
    call.end(error);
    throw error;
  }
}

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
function serverOf(resource: unknown): Labels {
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
class ModelCall {
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
      [ATTR_GEN_AI_OUTPUT_MESSAGES]:
        this.captureContent && texts.length > 0
          ? jsonOf(
              texts.map((content, index) => ({
                role: 'assistant',
                parts: [{ type: 'text', content }],
                finish_reason: finishReasons[index],
              })),
            )
          : undefined,
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
