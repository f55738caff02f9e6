import { type Question } from '../api/question.js';
import { type DashboardContext } from '../dashboard-context.interface.js';

/** What a tool is asked: the question of a panel, with the arguments of the call as its query. */
export interface ToolCall extends Question {
  readonly context: DashboardContext;
}

/** JSON Schema of one argument. */
export interface ArgumentSchema {
  readonly type: 'string' | 'integer' | 'number' | 'array';
  readonly description: string;
  readonly enum?: readonly string[];
  readonly items?: { readonly type: 'string'; readonly maxLength: number };
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A tool that agents can call. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  /** What it answers, and when to ask it. */
  readonly description: string;
  readonly input: Readonly<Record<string, ArgumentSchema>>;
  readonly required?: readonly string[];
  /** The time asked about where the arguments name none, in milliseconds up to now; undefined: all that is stored. */
  readonly defaultSpanMs?: number;
  /** Text of the answer. @throws DashboardError 400, with what is wrong with the arguments */
  answer(call: ToolCall): Promise<string>;
}
