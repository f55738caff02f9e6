import type { JsonAttributes, JsonValue } from '../../../reader/answers/answer-parts.interface.js';
import type { SpanAnswer } from '../../../reader/answers/traces.interface.js';
import { formatDuration, formatExact, formatValue } from '../../../ui/format.js';

/** What was sent to a model, or came back. */
export interface ModelMessage {
  readonly role: string;
  readonly text: string;
}

/** A call of a generative model, as OpenTelemetry's `gen_ai` conventions record it. */
export interface ModelCall {
  /** Undefined: not recorded. */
  readonly facts: readonly (readonly [label: string, value: string | undefined])[];
  /** In the order of the conversation; empty where messages are not recorded. */
  readonly messages: readonly ModelMessage[];
  /** Of more messages than are shown. */
  readonly left: number;
}

/** A conversation can be as long as the context of the model; its last messages are shown. */
const MOST_MESSAGES = 50;

/** Attributes that hold messages, in the order of a conversation, with the role of what has none. */
const MESSAGE_ATTRIBUTES: readonly (readonly [name: string, role: string])[] = [
  ['gen_ai.system_instructions', 'system'],
  ['gen_ai.input.messages', 'user'],
  ['gen_ai.prompt', 'user'],
  ['gen_ai.output.messages', 'assistant'],
  ['gen_ai.completion', 'assistant'],
];

/** `gen_ai.user.message`: one message an event, as older versions of the conventions have it. */
const MESSAGE_EVENT = /^gen_ai\.(system|user|assistant|tool)\.message$|^gen_ai\.choice$/;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(value: JsonValue): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Plain text, or JSON that was cut off because it is long.
    return value;
  }
}

/** The text of a message or of a part of one; what is no text, as a call of a tool, is JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join('\n');
  if (isObject(value)) {
    const { content, parts, text } = value;
    const inner = parts ?? content ?? text;
    if (inner !== undefined && inner !== null) return textOf(inner);
  }
  return JSON.stringify(value);
}

function messagesIn(value: JsonValue, role: string): readonly ModelMessage[] {
  const parsed = parse(value);
  const list: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return list.map((each) => ({
    role: isObject(each) && typeof each.role === 'string' ? each.role : role,
    text: textOf(each),
  }));
}

const messagesOf = (attributes: JsonAttributes): readonly ModelMessage[] =>
  MESSAGE_ATTRIBUTES.flatMap(([name, role]) => {
    const value = attributes[name];
    return value === undefined ? [] : messagesIn(value, role);
  });

function factsOf(attributes: JsonAttributes): ModelCall['facts'] {
  const show = (name: string): string | undefined => {
    const value = attributes[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value.map(formatValue).join(', ');
    return typeof value === 'number' ? formatExact(value) : formatValue(value);
  };
  const asked = show('gen_ai.request.model');
  const answered = show('gen_ai.response.model');
  const firstChunk = attributes['gen_ai.response.time_to_first_chunk'];
  return [
    [
      'Model',
      asked !== undefined && answered !== undefined && asked !== answered
        ? `${asked} → ${answered}`
        : (answered ?? asked),
    ],
    ['Provider', show('gen_ai.provider.name') ?? show('gen_ai.system')],
    ['Operation', show('gen_ai.operation.name')],
    ['Tokens in', show('gen_ai.usage.input_tokens') ?? show('gen_ai.usage.prompt_tokens')],
    ['of them cached', show('gen_ai.usage.cache_read.input_tokens')],
    ['Tokens out', show('gen_ai.usage.output_tokens') ?? show('gen_ai.usage.completion_tokens')],
    ['Finished by', show('gen_ai.response.finish_reasons')],
    ['First chunk after', typeof firstChunk === 'number' ? formatDuration(firstChunk * 1_000) : undefined],
    ['Tool', show('gen_ai.tool.name')],
    ['Agent', show('gen_ai.agent.name')],
  ];
}

/** What a span says about a call of a model; undefined for every other span. */
export function readModelCall({ attributes, events }: SpanAnswer): ModelCall | undefined {
  if (!Object.keys(attributes).some((name) => name.startsWith('gen_ai.'))) return undefined;
  const ofEvents = events.flatMap((event) => {
    const [matched, role = 'assistant'] = MESSAGE_EVENT.exec(event.name) ?? [];
    if (matched === undefined) return messagesOf(event.attributes);
    const { content, message } = event.attributes;
    const value = content ?? message;
    return value === undefined ? [] : messagesIn(value, role);
  });
  const messages = [...messagesOf(attributes), ...ofEvents];
  return {
    facts: factsOf(attributes),
    messages: messages.slice(-MOST_MESSAGES),
    left: Math.max(0, messages.length - MOST_MESSAGES),
  };
}
