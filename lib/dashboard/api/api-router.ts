import { type DashboardParts } from '../dashboard-context.interface.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { sendLargeJson } from '../http/send.js';
import { LiveStreams } from './live-streams.js';
import { API_ROUTES } from '../panels/routes.js';
import { QueryParameters } from './query-parameters.js';

/** Answers what is asked below `<path>/api/v1/`. */
export class ApiRouter {
  private readonly streams: LiveStreams;

  constructor(private readonly parts: DashboardParts) {
    this.streams = new LiveStreams(parts.store);
  }

  /** @throws DashboardError */
  async answer(
    path: string,
    search: URLSearchParams,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<void> {
    this.parts.store.noteReader();
    const query = new QueryParameters(search);
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    if (path === 'stream' && method === 'GET') {
      this.streams.open(query, response);
      return;
    }
    const segments = path.split('/').map(decode);
    const matching = API_ROUTES.filter(({ segments: pattern }) => matches(pattern, segments));
    const route = matching.find((each) => each.method === method);
    if (route === undefined) throw missing(matching.map((each) => each.method));
    const params = segments.filter((_, index) => route.segments[index] === ':');
    const { parts } = this;
    const answer = await route.handle({ parts, query, params, request });
    if (answer === undefined)
      throw new DashboardError(404, 'There is no such thing, or it has been evicted.');
    await sendLargeJson(response, 200, answer);
  }

  close(): void {
    this.streams.close();
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => part === ':' || part === segments[index])
  );
}

function missing(methods: readonly string[]): DashboardError {
  if (methods.length === 0) return new DashboardError(404, 'The API has no such address.');
  return new DashboardError(405, `This address takes ${methods.join(' and ')}.`);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // It is taken as it stands, and then is no address of ours.
    return segment;
  }
}
