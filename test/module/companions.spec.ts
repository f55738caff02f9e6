import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compileFunction } from 'node:vm';

import { Controller, Get, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { HealthCheck, type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { transformSync } from '@swc/core';
import {
  TELEMETRY_HANDLE,
  type TelemetryHandle,
  TelemetryHealthIndicator,
  TelemetryModule,
  type TelemetryOptions,
} from 'nestjs-telemetry';

import { collectWarnings } from '../exporters/support/collect-warnings.js';
import { eventually } from '../support/eventually.js';
import { findRefusingPort } from '../support/http-upstream.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly telemetry: TelemetryHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.telemetry.isHealthy()]);
  }

  @Get('strict')
  @HealthCheck()
  strict(): Promise<HealthCheckResult> {
    const options = { downWhen: 'failing', details: true } as const;
    return this.health.check([() => this.telemetry.isHealthy('observability', options)]);
  }
}

describe('TelemetryHealthIndicator in a health check of @nestjs/terminus', () => {
  let app: NestFastifyApplication | undefined;
  let warnings: ReturnType<typeof collectWarnings>;
  beforeEach(() => {
    process.env.OTEL_BSP_SCHEDULE_DELAY = '10';
    warnings = collectWarnings();
  });
  afterEach(async () => {
    await app?.close();
    warnings.restore();
    delete process.env.OTEL_BSP_SCHEDULE_DELAY;
    delete process.env.OTEL_BSP_MAX_QUEUE_SIZE;
  });

  async function start(options: TelemetryOptions): Promise<string> {
    @Module({
      imports: [
        TelemetryModule.forRoot({
          logging: false,
          dashboard: false,
          store: false,
          shutdownTimeoutMs: 100,
          instrumentation: { httpServer: { ignore: [] } },
          ...options,
        }),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController],
    })
    class AppModule {}
    app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
      logger: false,
    });
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }

  async function ask(url: string, key = 'telemetry') {
    const response = await fetch(url);
    const { status, details } = (await response.json()) as HealthCheckResult;
    return { code: response.status, status, health: details[key] };
  }

  it('shows a dead collector and keeps the application in rotation, unless it is asked to', async () => {
    const port = await findRefusingPort();
    const url = await start({ otlpEndpoint: `http://127.0.0.1:${port}` });
    const failing = await eventually('a failing exporter', async () => {
      const answer = await ask(`${url}/health`);
      return answer.health?.state === 'failing' ? answer : undefined;
    });
    expect(failing).toMatchObject({
      code: 200,
      status: 'ok',
      health: {
        status: 'up',
        parts: expect.arrayContaining([
          expect.objectContaining({ part: 'traces', state: 'failing', lost: 0 }),
        ]) as unknown,
      },
    });
    expect(JSON.stringify(failing)).not.toContain(String(port));

    const strict = await ask(`${url}/health/strict`, 'observability');
    expect(strict).toMatchObject({
      code: 503,
      status: 'error',
      health: { status: 'down', state: 'failing' },
    });
    expect(JSON.stringify(strict.health)).toMatch(
      new RegExp(`http://127.0.0.1:${port}/v1/traces.*ECONNREFUSED`),
    );
  });

  it('shows that telemetry is lost', async () => {
    process.env.OTEL_BSP_MAX_QUEUE_SIZE = '1';
    const url = await start({ otlpEndpoint: `http://127.0.0.1:${await findRefusingPort()}` });
    const losing = await eventually('a loss', async () => {
      const { health } = await ask(`${url}/health`);
      return health?.state === 'losing' ? health : undefined;
    });
    expect(losing).toMatchObject({ status: 'up' });
    const [traces] = losing.parts as { part: string; lost: number }[];
    expect(traces).toMatchObject({ part: 'traces', state: 'losing' });
    expect(traces?.lost).toBeGreaterThan(0);
  });

  it('is up where telemetry is off, and names a wrong option once', async () => {
    const url = await start({ enabled: false });
    expect(await ask(`${url}/health/strict`, 'observability')).toEqual({
      code: 200,
      status: 'ok',
      health: { status: 'up', state: 'off', parts: [] },
    });
    const indicator = app!.get(TelemetryHealthIndicator);
    expect(indicator.isHealthy('key', { downWhen: 'always' as 'never' }).key.status).toBe('up');
    expect(warnings.messages.filter((message) => message.startsWith('downWhen'))).toEqual([
      expect.stringContaining('Write one of never, losing, failing'),
    ]);
  });
});

describe('the application of docs/configuration.md with @nestjs/config and Zod', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-env-'));
  const before = { ...process.env };
  const directory = process.cwd();
  afterEach(() => {
    process.chdir(directory);
    for (const name of Object.keys(process.env))
      if (!(name in before)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the code of the page as it stands there, in a folder with that `.env`. */
  function loadAppModule(variables: string): Type<unknown> {
    writeFileSync(join(folder, '.env'), variables);
    process.chdir(folder);
    const page = readFileSync(resolve(__dirname, '../../docs/configuration.md'), 'utf8');
    const section = page.slice(page.indexOf('## With `@nestjs/config` and Zod'));
    const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(section) ?? [];
    const compiled = transformSync(code, {
      module: { type: 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    });
    const exported: { AppModule?: Type<unknown> } = {};
    const load = compileFunction(compiled.code, ['exports', 'require']) as (...args: unknown[]) => void; // has these two
    load(exported, createRequire(__filename));
    return exported.AppModule!;
  }

  async function configOf(variables: string): Promise<TelemetryHandle['config']> {
    const app = await NestFactory.createApplicationContext(loadAppModule(variables), {
      logger: false,
      abortOnError: false,
    });
    const { config } = app.get<TelemetryHandle>(TELEMETRY_HANDLE);
    await app.close();
    return config;
  }

  it('passes what the schema has checked, and lets the module read the rest of .env', async () => {
    const config = await configOf(
      'SERVICE_NAME=orders\nCOLLECTOR=localhost:4317\nTRACE_SHARE=0.25\nOTEL_LOG_LEVEL=error\nNODE_ENV=test\n',
    );
    expect(config).toMatchObject({
      serviceName: 'orders',
      traces: {
        otlp: [{ url: 'http://localhost:4317', protocol: 'grpc' }],
        sampler: { name: 'parentbased_traceidratio', ratio: 0.25 },
      },
      logging: { level: 'error' },
    });
  });

  it('does not start with a variable that the schema refuses', async () => {
    await expect(configOf('COLLECTOR=localhost:4317\nTRACE_SHARE=often\n')).rejects.toThrow(/TRACE_SHARE/);
  });
});
