import { type DashboardContext } from '../dashboard-context.interface.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { sendAnswer } from '../http/respond.js';
import { StreamAnswer } from '../http/stream-answer.js';
import { API_ROUTES } from '../panels/routes.js';
import { OtherProcesses } from '../profiling/other-processes.js';
import { Profiling } from '../profiling/profiling.js';
import { LiveStreams } from './live-streams.js';
import { QueryParameters } from './question.js';
import { matchSegments } from './route.js';

/** Time that a question may take, in milliseconds. */
const ANSWER_MS = 30_000;

/** Answers requests below `<path>/api/v1/`. */
export class ApiRouter {
  private readonly streams: LiveStreams;
  private readonly profiling: Profiling;
  private readonly others: OtherProcesses | undefined;

  constructor(private readonly context: DashboardContext) {
    const { commands, profileBudget, process: own } = context;
    this.profiling = new Profiling(undefined, profileBudget);
    const page = `the page of ${own?.service ?? 'nestjs-telemetry'} (pid ${process.pid})`;
    this.others = commands && new OtherProcesses(commands, page);
    this.streams = new LiveStreams(context.reader.live, context.running);
  }

  /** @throws DashboardError */
  async answer(
    path: string,
    search: URLSearchParams,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<void> {
    const { context } = this;
    context.reader.markViewed?.();
    const query = new QueryParameters(search);
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    if (path === 'stream' && method === 'GET') {
      await this.streams.open(query, response);
      return;
    }
    const segments = path.split('/').map(decode);
    const matching = API_ROUTES.flatMap((route) => {
      const params = matchSegments(route.segments, segments);
      return params === undefined ? [] : [{ route, params }];
    });
    const found = matching.find(({ route }) => route.method === method);
    if (found === undefined) throw notFound(matching.map(({ route }) => route.method));
    const { reader, work, running } = context;
    const patience = new Patience(response);
    try {
      const { signal } = patience;
      const { route, params } = found;
      const { profiling, others } = this;
      const call = { context, request, reader, work, running, profiling, others, query, params, signal };
      const answer = await route.handle(call);
      if (answer === undefined)
        throw new DashboardError(404, 'There is nothing with this id; it may have been evicted.');
      if (answer instanceof StreamAnswer) await answer.send(response);
      else await sendAnswer(request, response, answer);
    } catch (error) {
      if (!patience.hasLeft) throw error;
    } finally {
      patience.end();
    }
  }

  close(): void {
    this.streams.close();
    this.profiling.close();
  }
}

/** Aborts a question when the visitor leaves, or when it takes too long. */
class Patience {
  private readonly abort = new AbortController();
  private readonly timer = setTimeout(() => {
    this.abort.abort(
      new DashboardError(504, `The database did not answer within ${ANSWER_MS / 1_000} s. Ask for less.`),
    );
  }, ANSWER_MS).unref();
  readonly signal = this.abort.signal;
  /** The visitor left before the answer was complete. */
  hasLeft = false;

  constructor(private readonly response: HttpResponse) {
    response.on('close', this.leave);
  }

  end(): void {
    clearTimeout(this.timer);
    this.response.off('close', this.leave);
  }

  private readonly leave = (): void => {
    this.hasLeft = this.response.writableEnded !== true;
    this.abort.abort();
  };
}

function notFound(methods: readonly string[]): DashboardError {
  if (methods.length === 0) return new DashboardError(404, 'The API has no such address.');
  return new DashboardError(405, `This address takes ${methods.join(' and ')}.`);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not encoded as a URL should be: no address matches it.
    return segment;
  }
}
