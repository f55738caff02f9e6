import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { option } from '../../../config/declare-options.js';
import { flag, flagOr, shape } from '../../../config/option-rules.js';
import { isWrappedByOthers, patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { isRegistered } from '../../../runtime/registered-globals.js';
import { shouldStartSpan } from '../../../runtime/tracers.js';
import { defineInstrumentation } from '../../define-instrumentation.js';
import {
  fileOf,
  type InstrumentedCopy,
  RECORDED_BY_OTHERS,
  UNKNOWN_SHAPE,
  type UnrecordedCopy,
  whenModuleLoaded,
} from '../loaded-modules.js';
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
