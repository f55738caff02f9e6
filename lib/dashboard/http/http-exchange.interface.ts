import { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { type ServerHttp2Stream } from 'node:http2';

/** What is used of a request of `node:http` or `node:http2`. */
export interface HttpRequest extends NodeJS.ReadableStream {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The whole address where a router has cut `url`. */
  readonly originalUrl?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
  readonly readableEnded?: boolean;
  /** False while its body is on its way. */
  readonly complete?: boolean;
  /** What a parser that ran before us has left. */
  readonly body?: unknown;
}

/** What is used of a response of `node:http` or `node:http2`. */
export interface HttpResponse extends NodeJS.WritableStream {
  readonly headersSent: boolean;
  readonly writableEnded?: boolean;
  readonly destroyed?: boolean;
  /** Where the answer is one of HTTP/2. */
  readonly stream?: Pick<ServerHttp2Stream, 'close'>;
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown;
}
