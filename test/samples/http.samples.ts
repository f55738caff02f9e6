import { createReadStream } from 'node:fs';
import { join } from 'node:path';

import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import {
  Body,
  type CanActivate,
  type CallHandler,
  ClassSerializerInterceptor,
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Module,
  type NestInterceptor,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
  Render,
  Scope,
  Sse,
  StreamableFile,
  UploadedFile,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common';
import { HttpModule, HttpService } from '@nestjs/axios';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { FileInterceptor } from '@nestjs/platform-express';
import { ServeStaticModule } from '@nestjs/serve-static';
import { Exclude, Expose } from 'class-transformer';
import { IsInt, IsString } from 'class-validator';
import compression from 'compression';
import { firstValueFrom, interval, map, type Observable, take } from 'rxjs';

import { type Sample } from './sample';

const FILES = join(__dirname, 'files');

class CreateCat {
  @IsString() name!: string;
  @IsInt() age!: number;
}

@Injectable()
class RolesGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return (
      context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>().headers['x-role'] !== 'none'
    );
  }
}

@Injectable()
class Wrap implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

@Injectable()
class CatsService {
  private readonly cats: CreateCat[] = [];
  create(cat: CreateCat): CreateCat {
    this.cats.push(cat);
    return cat;
  }
  find(id: number): CreateCat {
    const cat = this.cats[id];
    if (cat === undefined) throw new NotFoundException(`no cat ${id}`);
    return cat;
  }
}

@UseGuards(RolesGuard)
@UseInterceptors(Wrap)
@Controller('cats')
class CatsController {
  constructor(private readonly cats: CatsService) {}
  @Post() create(@Body(new ValidationPipe({ whitelist: true })) cat: CreateCat): CreateCat {
    return this.cats.create(cat);
  }
  @Get(':id') find(@Param('id', ParseIntPipe) id: number): CreateCat {
    return this.cats.find(id);
  }
}

@Module({ controllers: [CatsController], providers: [CatsService] })
class CatsModule {}

class User {
  @Exclude() password = 'secret';
  constructor(readonly first: string) {}
  @Expose() get greeting(): string {
    return `hello ${this.first}`;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Counter {
  private static made = 0;
  readonly id = (Counter.made += 1);
}

@Controller()
class VariousController {
  private calls = 0;
  constructor(
    @Inject('CONFIG') private readonly config: string,
    private readonly jwt: JwtService,
    private readonly http: HttpService,
  ) {}
  @UseInterceptors(ClassSerializerInterceptor)
  @Get('serialized')
  serialized(): User {
    return new User('Ada');
  }
  @Get('config') fromConfig(): string {
    return this.config;
  }
  @UseInterceptors(CacheInterceptor) @Get('cached') cached(): { calls: number } {
    return { calls: (this.calls += 1) };
  }
  @Version('1') @Get('versioned') first(): string {
    return 'one';
  }
  @Version('2') @Get('versioned') second(): string {
    return 'two';
  }
  @Get('file') file(): StreamableFile {
    return new StreamableFile(createReadStream(join(FILES, 'shop.proto')), { type: 'text/plain' });
  }
  @Get('large') large(): string {
    return 'a'.repeat(5_000);
  }
  @Post('upload') @UseInterceptors(FileInterceptor('file')) upload(
    @UploadedFile() file: { originalname: string; size: number },
  ): object {
    return { name: file.originalname, size: file.size };
  }
  @Sse('events') events(): Observable<object> {
    return interval(5).pipe(
      take(3),
      map((id) => ({ id: String(id), data: { id } })),
    );
  }
  @Get('token') async token(): Promise<object> {
    const token = await this.jwt.signAsync({ sub: 1 }, { noTimestamp: true });
    return { token, payload: await this.jwt.verifyAsync<object>(token) };
  }
  @Get('broken') broken(): never {
    throw new TypeError('a bug');
  }
  @Get('proxy/:port') async proxy(@Param('port') port: string): Promise<unknown> {
    return (await firstValueFrom(this.http.get<unknown>(`http://127.0.0.1:${port}/config`))).data;
  }
  @Get('view') @Render('index') view(): object {
    return { title: 'a view' };
  }
}

@Controller('scoped')
class ScopedController {
  constructor(private readonly counter: Counter) {}
  @Get() id(): object {
    return { id: this.counter.id };
  }
}

@Module({})
class ConfigModule {
  static register(value: string): DynamicModule {
    return { module: ConfigModule, providers: [{ provide: 'CONFIG', useValue: value }], exports: ['CONFIG'] };
  }
}

@Module({
  imports: [
    ConfigModule.register('dynamic'),
    CacheModule.register(),
    JwtModule.register({ secret: 'for this sample only' }),
    HttpModule,
    ServeStaticModule.forRoot({ rootPath: join(FILES, 'static'), serveRoot: '/static' }),
  ],
  controllers: [VariousController, ScopedController],
  providers: [Counter],
})
class VariousModule {}

/** One application of many parts; each sample asks one of them. */
function various(paths: readonly string[], spans: readonly string[], more: Partial<Sample> = {}): Sample {
  return {
    module: () => VariousModule,
    configure: (app) => {
      app.use(compression());
      app.enableVersioning({
        type: VersioningType.HEADER,
        header: 'x-version',
        defaultVersion: VERSION_NEUTRAL,
      });
      const express = app as unknown as {
        setBaseViewsDir(path: string): void;
        setViewEngine(name: string): void;
      };
      express.setBaseViewsDir(join(FILES, 'views'));
      express.setViewEngine('hbs');
    },
    ask: async (questions) => {
      for (const path of paths) await questions.http('GET', path);
    },
    spans,
    ...more,
  };
}

export const httpSamples: Record<string, Sample> = {
  'REST with validation, guard and interceptor': {
    module: () => CatsModule,
    ask: async (questions) => {
      await questions.http('POST', '/cats', { name: 'Tom', age: 3, extra: true });
      await questions.http('POST', '/cats', { name: 5 });
      await questions.http('POST', '/cats', '{broken', { 'content-type': 'application/json' });
      await questions.http('GET', '/cats/0');
      await questions.http('GET', '/cats/9');
      await questions.http('GET', '/cats/x');
      await questions.http('GET', '/cats/0', undefined, { 'x-role': 'none' });
      await questions.http('GET', '/nowhere?token=1');
    },
    spans: ['POST /cats', 'GET /cats/:id', 'CatsController.create', 'CatsController.find'],
  },
  serializer: various(['/serialized'], ['GET /serialized']),
  'dynamic modules': various(['/config'], ['GET /config']),
  'cache manager': various(['/cached', '/cached'], ['GET /cached']),
  versioning: various([], ['GET /versioned'], {
    ask: async (questions) => {
      for (const version of ['1', '2', '3'])
        await questions.http('GET', '/versioned', undefined, { 'x-version': version });
    },
  }),
  'streaming file': various(['/file'], ['GET /file']),
  compression: various([], ['GET /large'], {
    ask: async (questions) => {
      await questions.http('GET', '/large', undefined, { 'accept-encoding': 'gzip' });
      await questions.http('GET', '/large');
    },
  }),
  'file upload': various([], ['POST /upload'], {
    ask: async (questions) => {
      const part =
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n';
      await questions.http('POST', '/upload', part, { 'content-type': 'multipart/form-data; boundary=b' });
      await questions.http('POST', '/upload', 'x', { 'content-type': 'multipart/form-data' });
    },
  }),
  'server-sent events': various(['/events'], ['GET /events']),
  JWT: various(['/token'], ['GET /token']),
  'an exception without a filter': various(['/broken'], ['GET /broken']),
  'HTTP module': various([], ['GET /proxy/:port', 'GET /config', 'GET'], {
    ask: async (questions) => {
      const { body } = await questions.http('GET', `/proxy/${questions.port}`);
      // The port is part of the path.
      questions.answers.length = 0;
      questions.note(body);
    },
  }),
  'MVC view': various(['/view'], ['GET /view']),
  'request-scoped providers': various(['/scoped', '/scoped'], ['GET /scoped']),
  'static files': various(['/static/hello.txt', '/static/none.txt'], []),
};
