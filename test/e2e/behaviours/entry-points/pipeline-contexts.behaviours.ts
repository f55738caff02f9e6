import { ApolloDriver } from '@nestjs/apollo';
import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { ClientProxyFactory, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom, type Observable, of, throwError } from 'rxjs';
import { WebSocket } from 'ws';

import { eventually } from '../../../support/eventually.js';
import { freePort } from '../../../support/free-port.js';
import { type Platform } from '../platform.js';
import { RunningApp } from '../running-app.js';

@Injectable()
class GateGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

@Injectable()
class ClosedGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}

@Injectable()
class QuietInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

@Injectable()
class UpperPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    if (value === 'bad') throw new RangeError('bad value');
    return value.toUpperCase();
  }
}

@Catch(RangeError)
class RpcRangeFilter implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => ({ status: 'error', message: 'filtered' }));
  }
}

@Catch(RangeError)
class WsRangeFilter implements ExceptionFilter {
  catch(_error: RangeError, host: ArgumentsHost): void {
    host
      .switchToWs()
      .getClient<{ send(text: string): void }>()
      .send(JSON.stringify({ event: 'filtered', data: 'filtered' }));
  }
}

@Catch(RangeError)
class GraphQlRangeFilter implements ExceptionFilter {
  catch(): Error {
    return new Error('filtered');
  }
}

@UseGuards(GateGuard)
@UseInterceptors(QuietInterceptor)
@UseFilters(RpcRangeFilter)
@Controller()
class WordsController {
  @MessagePattern('words')
  words(@Payload(UpperPipe) word: string): string {
    return word;
  }

  @UseGuards(ClosedGuard)
  @MessagePattern('closed')
  closed(): string {
    return 'never';
  }
}

@UseGuards(GateGuard)
@UseInterceptors(QuietInterceptor)
@UseFilters(WsRangeFilter)
@WebSocketGateway()
class WordsGateway {
  @SubscribeMessage('words')
  words(@MessageBody(UpperPipe) data: string): Observable<unknown> {
    return of({ event: 'answer', data });
  }
}

@UseGuards(GateGuard)
@UseInterceptors(QuietInterceptor)
@UseFilters(GraphQlRangeFilter)
@Resolver()
class WordsResolver {
  @Query(() => String)
  words(@Args('word', { type: () => String }, UpperPipe) word: string): string {
    return word;
  }
}

/** How a context is asked for a word, and what it says of one that its pipe refuses. */
interface Entry {
  readonly name: string;
  /** Where the filter is told from. */
  readonly filter: string;
  ask(word: string): Promise<unknown>;
}

export function describePipelineContexts(platform: Platform): void {
  describe('the pipeline beyond HTTP', () => {
    let app: RunningApp;
    let port: number;
    const entries: Entry[] = [
      {
        name: 'RPC',
        filter: 'RpcRangeFilter',
        ask: (word) => askRpc('words', word),
      },
      { name: 'WebSocket', filter: 'WsRangeFilter', ask: (word) => askWebSocket(app.origin, word) },
      { name: 'GraphQL', filter: 'GraphQlRangeFilter', ask: (word) => askGraphQl(app, word) },
    ];

    beforeAll(async () => {
      port = await freePort();
      app = await RunningApp.start(platform, {
        imports: [GraphQLModule.forRoot({ driver: ApolloDriver, autoSchemaFile: true })],
        controllers: [WordsController],
        providers: [WordsGateway, WordsResolver],
        configure: (nest: INestApplication) => {
          nest.useWebSocketAdapter(new WsAdapter(nest));
          nest.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
        },
      });
      await app.app.startAllMicroservices();
    });
    afterAll(() => app.stop());

    const askRpc = async (pattern: string, word: string): Promise<unknown> => {
      const client = ClientProxyFactory.create({
        transport: Transport.TCP,
        options: { host: '127.0.0.1', port },
      });
      try {
        return await lastValueFrom(client.send<unknown>(pattern, word)).catch(
          (error: unknown) => (error as { message?: unknown }).message ?? error,
        );
      } finally {
        await client.close();
      }
    };

    /** The next span that ends with this attribute. */
    const spanWith = (attribute: string, since: number): Promise<ReadableSpan> =>
      eventually(`a span with ${attribute}`, () =>
        app.spans.ended.slice(since).find(({ attributes }) => attributes[attribute] !== undefined),
      );

    it.each(['RPC', 'WebSocket', 'GraphQL'])('is timed on the span it runs in: %s', async (name) => {
      const since = app.spans.ended.length;
      const answer = await entries.find((entry) => entry.name === name)?.ask('hello');
      const { attributes } = await spanWith('nestjs.guards', since);
      expect(answer).toBe('HELLO');
      expect(attributes).toMatchObject({
        'nestjs.guards': ['AppModule/GateGuard'],
        'nestjs.guards.duration_ms': expect.any(Number) as unknown,
        'nestjs.interceptors.before': ['AppModule/QuietInterceptor'],
        'nestjs.interceptors.after': ['AppModule/QuietInterceptor'],
        'nestjs.pipes': ['AppModule/UpperPipe'],
      });
    });

    it.each(['RPC', 'WebSocket', 'GraphQL'])('names the stage that failed, once: %s', async (name) => {
      const since = app.spans.ended.length;
      const entry = entries.find((each) => each.name === name);
      const answer = await entry?.ask('bad');
      const { attributes } = await spanWith('nestjs.failure.stage', since);
      expect(answer).toBe('filtered');
      expect(attributes).toMatchObject({
        'nestjs.failure.stage': 'pipe',
        'nestjs.failure.class': 'UpperPipe',
        'nestjs.filters': [`AppModule/${entry?.filter ?? ''}`],
      });
      // What a filter answers with may be told of the answer; this is about what it was asked to answer.
      const events = app.spans.ended
        .slice(since)
        .flatMap((span) =>
          span.events.filter((event) => event.attributes?.['exception.message'] === 'bad value'),
        );
      expect(events.map((event) => event.attributes)).toMatchObject([
        { 'exception.type': 'RangeError', 'nestjs.stage': 'pipe', 'nestjs.class': 'UpperPipe' },
      ]);
    });

    it('names the guard that refused a message', async () => {
      const since = app.spans.ended.length;
      await askRpc('closed', 'x');
      expect((await spanWith('nestjs.failure.stage', since)).attributes).toMatchObject({
        'nestjs.failure.stage': 'guard',
        'nestjs.failure.class': 'ClosedGuard',
      });
    });
  });
}

async function askWebSocket(origin: string, word: string): Promise<unknown> {
  const socket = new WebSocket(origin.replace('http', 'ws'));
  try {
    return await new Promise((resolve, reject) => {
      socket
        .once('open', () => {
          socket.send(JSON.stringify({ event: 'words', data: word }));
        })
        .once('message', (data) => {
          resolve((JSON.parse((data as Buffer).toString('utf8')) as { data: unknown }).data);
        })
        .once('error', reject);
    });
  } finally {
    socket.close();
  }
}

async function askGraphQl(app: RunningApp, word: string): Promise<unknown> {
  const response = await app.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ words(word: "${word}") }` }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { words?: unknown } | null;
    errors?: { message: string }[];
  };
  return data?.words ?? errors?.[0]?.message;
}
