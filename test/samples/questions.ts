import { Agent, request } from 'node:http';

/** Asks an application, and keeps what it answers in the order in which it came. */
export class Questions {
  readonly answers: unknown[] = [];

  constructor(readonly port: number) {}

  note(answer: unknown): void {
    this.answers.push(answer);
  }

  /** One request: status, headers as they were sent, and body, without what changes from call to call. */
  http(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    const raw = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
    const type = typeof body === 'string' ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.port,
          path,
          method,
          agent: new Agent(),
          headers: {
            ...(raw !== undefined && { ...type, 'content-length': Buffer.byteLength(raw) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('base64');
            const shown = Buffer.from(text, 'base64').toString();
            const names = response.rawHeaders.map((value, index) =>
              response.rawHeaders[index - (index % 2)]!.toLowerCase() === 'date' && index % 2 === 1
                ? ''
                : value,
            );
            this.note({ method, path, status: response.statusCode, headers: names, body: shown });
            resolve({ status: response.statusCode ?? 0, body: shown });
          });
        },
      );
      sent.on('error', reject);
      sent.end(raw);
    });
  }

  /** The data of a GraphQL answer and its headers. */
  graphql(query: string): Promise<{ status: number; body: string }> {
    return this.http('POST', '/graphql', { query });
  }
}
