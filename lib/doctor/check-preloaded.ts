import { type Result, warning } from './finding.js';

const AGENT =
  /@opentelemetry\/auto-instrumentations-node[^\s"']*|dd-trace\/[^\s"']*|newrelic\b|@sentry\/[^\s"']*/;

/** Names an agent that is loaded before the application, which records the same calls once more. */
export function checkPreloaded({ NODE_OPTIONS: options = '' }: NodeJS.ProcessEnv): Result[] {
  const [preloaded] = AGENT.exec(options) ?? [];
  if (preloaded === undefined) return [];
  return [
    warning(
      'another agent starts before the application, and may record the same calls once more.',
      `NODE_OPTIONS=${options}`,
      `Remove ${preloaded} from NODE_OPTIONS, or keep it and see docs/other-sdks.md for what is joined.`,
    ),
  ];
}
