import { context } from '@opentelemetry/api';

import { decideAll, option, type OptionsOf } from '../../../config/declare-options.js';
import { flag, flagOr, shape } from '../../../config/option-rules.js';
import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan } from '../../../runtime/tracers.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import { type Call, patchCalls } from '../../patch-calls.js';
import { fileOf, patchCopy, whenModuleLoaded } from '../loaded-modules.js';
import { ModelCall, serverOf } from './model-call.js';
import { type Api, CHAT_COMPLETIONS, EMBEDDINGS, fieldsOf, RESPONSES } from './openai-apis.js';

const PACKAGE = fileOf('openai', 'index.js', 'index.mjs');

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
   *
   * Env `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
   */
  captureContent?: boolean;
}

const OPENAI = {
  captureContent: option(flag, {
    default: false,
    env: {
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: {
        kind: 'choice',
        choices: ['true', 'false', 'span_only', 'span_and_event', 'event_only', 'no_content'],
        meaning:
          '`true`, `span_only` or `span_and_event` records prompts and answers of language models on the span.',
        otherwise: '`false`',
        means: (content: string) => content === 'true' || content.startsWith('span'),
      },
    },
    see: 'clients.md#language-models',
  }),
} satisfies OptionsOf<OpenaiInstrumentationOptions>;

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
    rule: flagOr(shape(OPENAI, 'true, false or { captureContent: true }')),
    resolve: (options, env) => Object.freeze(decideAll(OPENAI, options, env)),
  },
});

/**
 * Records calls of `openai` (chat completions, responses, embeddings) of each copy that is or will
 * be loaded. Returns the undo.
 */
function patchLoadedOpenai(): () => void {
  return whenModuleLoaded(PACKAGE, (exports) => {
    const { OpenAI } = exports as { readonly OpenAI?: OpenaiModule };
    const completions = OpenAI?.Chat?.Completions;
    return patchCopy(
      completions?.prototype as object | undefined,
      'create',
      () => OpenAI && patchOpenai(OpenAI),
    );
  });
}

/** undefined where no class is found that is known here. */
function patchOpenai({ Chat, Responses, Embeddings }: OpenaiModule): Undo | undefined {
  const apis: [Resource | undefined, Api][] = [
    [Chat?.Completions, CHAT_COMPLETIONS],
    [Responses, RESPONSES],
    [Embeddings, EMBEDDINGS],
  ];
  const undo = apis.flatMap(([resource, api]) => {
    const prototype: unknown = resource?.prototype;
    if (typeof prototype !== 'object' || prototype === null || !('create' in prototype)) return [];
    return [patchCalls<unknown>(prototype, 'create', (...call) => recordCall(api, ...call))];
  });
  return undo.length === 0 ? undefined : undoAll(undo);
}

function recordCall(api: Api, resource: unknown, create: Call<unknown>, args: unknown[]): unknown {
  const caller = context.active();
  if (isTracingSuppressed(caller) || !(shouldStartSpan() || isRegistered('metrics')))
    return create.apply(resource, args);
  const request = fieldsOf(args[0]);
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
