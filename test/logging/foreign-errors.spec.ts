import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import axios from 'axios';

import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

const SECRET = 'SEChunter2RET';

/** Errors as their makers shape them, with the secret where each of them keeps it. */
const ERRORS: [string, () => Error][] = [
  [
    'pg',
    () =>
      Object.assign(new Error('duplicate key'), {
        code: '23505',
        detail: `Key (email)=(${SECRET}) already exists.`,
        parameters: [SECRET],
        where: SECRET,
      }),
  ],
  [
    'Prisma',
    () =>
      Object.assign(new Error('Unique constraint failed'), {
        code: 'P2002',
        meta: { target: [SECRET] },
        clientVersion: '6.0.0',
      }),
  ],
  [
    'mysql2',
    () =>
      Object.assign(new Error('Duplicate entry'), {
        errno: 1062,
        code: 'ER_DUP_ENTRY',
        sql: `INSERT '${SECRET}'`,
        sqlMessage: SECRET,
      }),
  ],
  [
    'TypeORM',
    () =>
      Object.assign(new Error('failed'), {
        query: SECRET,
        parameters: [SECRET],
        driverError: { detail: SECRET },
      }),
  ],
  [
    'MongoDB',
    () =>
      Object.assign(new Error('E11000'), {
        code: 11000,
        keyValue: { email: SECRET },
        errorResponse: { op: SECRET },
      }),
  ],
  [
    'GraphQL',
    () =>
      Object.assign(new Error('bad input'), {
        extensions: { code: 'BAD', argument: SECRET },
        source: { body: SECRET },
      }),
  ],
  [
    'Zod',
    () =>
      Object.assign(new Error('invalid'), {
        issues: [{ received: SECRET }],
        errors: [{ message: 'x', received: SECRET, code: 'c' }],
      }),
  ],
  [
    'class-validator',
    () =>
      Object.assign(new Error('invalid'), {
        errors: [{ target: { password: SECRET }, value: SECRET, property: 'password' }],
      }),
  ],
  [
    'AWS',
    () =>
      Object.assign(new Error('denied'), {
        $metadata: { requestId: SECRET },
        $response: { headers: SECRET },
      }),
  ],
  [
    'got',
    () =>
      Object.assign(new Error('404'), {
        options: { headers: { authorization: SECRET } },
        response: { body: SECRET },
      }),
  ],
  ['a cause', () => new Error('outer', { cause: Object.assign(new Error('inner'), { config: SECRET }) })],
  [
    'an AggregateError',
    () => new AggregateError([Object.assign(new Error('inner'), { request: SECRET })], 'all'),
  ],
  ['the message of a 404', () => new Error(`Cannot GET /reset-pasword?t=${SECRET}`)],
];

describe('an error of a foreign library on a log line', () => {
  let logging: ObservedLogging | undefined;
  afterEach(() => {
    stopObserving(logging);
    logging = undefined;
  });

  const logEverywhere = (error: Error): string => {
    logging = observeLogging();
    const logger = logging.logger!;
    const telemetry = new TelemetryLogger('Test');
    telemetry.logError('failed', error);
    telemetry.logInfo('failed', { error });
    telemetry.logError('failed', { err: error, deep: { error, list: [error] } });
    logger.error(error);
    logger.error({ err: error, context: { error } }, 'failed');
    logger.child({ error }).warn('bound');
    logger.error(error.message);
    logger.error('%s', error.stack);
    return JSON.stringify([
      logging.text,
      logging.logRecords().map(({ body, attributes }) => [body, attributes]),
    ]);
  };

  it.each(ERRORS.slice(0, -1))('holds nothing of what %s keeps there', (_, make) => {
    const written = logEverywhere(make());
    expect(written).not.toContain(SECRET);
    expect(written).toContain(make().message);
  });

  it('has the message of a 404 without its query', () => {
    const error = ERRORS.at(-1)![1]();
    logging = observeLogging();
    new TelemetryLogger('Test').logError('failed', error);
    logging.logger!.error(error);
    expect(JSON.stringify(logging.text)).not.toContain(SECRET);
    expect(logging.text.at(-1)).toContain('"msg":"Cannot GET /reset-pasword?[Redacted]"');
  });

  it('holds nothing of a request that axios made', async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(401, { 'set-cookie': `sid=${SECRET}` }).end(SECRET);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const failed = await axios
        .post(
          `http://127.0.0.1:${port}/x?token=${SECRET}`,
          { password: SECRET },
          {
            headers: { authorization: `Bearer ${SECRET}`, 'x-api-key': SECRET },
            auth: { username: 'app', password: SECRET },
          },
        )
        .catch((error: unknown) => error as Error);
      const written = logEverywhere(failed as Error);
      expect(written).not.toContain(SECRET);
      expect(written).toContain('ERR_BAD_REQUEST');
      expect(written).toContain('401');
    } finally {
      server.close();
    }
  });
});
