import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { type HttpResponse } from './http-exchange.interface.js';
import { SECURITY_HEADERS } from './respond.js';

/** An answer of the API that is a file, sent as it is read. */
export class StreamAnswer {
  constructor(
    private readonly stream: Readable,
    private readonly contentType: string,
    private readonly fileName: string,
  ) {}

  /** Never rejects: what began to be sent can only be cut off. */
  async send(response: HttpResponse): Promise<void> {
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': this.contentType,
      'content-disposition': `attachment; filename="${this.fileName}"`,
      'cache-control': 'no-store',
    });
    // The visitor may leave, and the application may stop: both streams are destroyed then.
    await pipeline(this.stream, response).catch(() => undefined);
  }
}
