import {
  ATTR_GEN_AI_INPUT_MESSAGES,
  ATTR_GEN_AI_SYSTEM_INSTRUCTIONS,
} from '../../../config/semantic-conventions.constants.js';

export type Fields = Readonly<Record<string, unknown>>;

/** What one API of OpenAI says where. */
export interface Api {
  readonly operation: 'chat' | 'embeddings';
  /** Value of `openai.api.type`; undefined where the operation says as much. */
  readonly type?: string;
  /** Prompts, as the conventions write them. */
  readonly input: (request: Fields) => Readonly<Record<string, unknown>>;
  /** Takes in an answer, or a part of one. */
  readonly read: (answer: Answer, part: Fields) => void;
}

/** What is known of an answer so far. */
export interface Answer {
  id?: unknown;
  model?: unknown;
  serviceTier?: unknown;
  usage?: Fields | undefined;
  /** By the index of the choice. */
  readonly finishReasons: string[];
  readonly texts: string[];
}

export const CHAT_COMPLETIONS: Api = {
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

export const RESPONSES: Api = {
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

export const EMBEDDINGS: Api = {
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
export function jsonOf(value: unknown): string | undefined {
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

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}; // any object has fields
}
