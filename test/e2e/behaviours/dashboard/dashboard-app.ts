import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Body, Controller, Get, NotFoundException, Param, Post } from '@nestjs/common';
import { type DashboardOptions, TelemetryService } from 'nestjs-telemetry';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { type AppUnderTest, fromOutside, RunningApp } from '../running-app.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly telemetry: TelemetryService) {}

  @Get(':id')
  find(@Param('id') id: string): string {
    this.telemetry.logInfo('looking for an order', { id });
    return this.telemetry.trace('read_order', { id }, () => `order ${id}`);
  }

  @Get()
  list(): string {
    this.telemetry.logError('no orders today', new Error('the shelf is empty'));
    throw new Error('the shelf is empty');
  }

  @Post()
  create(@Body() body: unknown): unknown {
    return body;
  }

  @Get('slow/:seconds')
  async slow(@Param('seconds') seconds: string): Promise<string> {
    this.telemetry.trace('validate', () => undefined);
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000));
    return 'done';
  }

  @Get('never/asked/for')
  never(): void {
    throw new NotFoundException();
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** An application whose dashboard keeps everything in memory, and needs no token unless the options say so. */
export function startDashboard(
  platform: Platform,
  dashboard: DashboardOptions = {},
  parts: AppUnderTest = {},
): Promise<RunningApp> {
  return RunningApp.start(platform, {
    controllers: [OrdersController],
    ...parts,
    telemetry: {
      dashboard: { enabled: true, token: false, ...dashboard },
      store: { file: ':memory:' },
      ...parts.telemetry,
    },
  });
}

/** What `npm start` of a developer does: nothing is configured, and the store is a file in a new folder. */
export async function startUnconfigured(
  platform: Platform,
): Promise<{ app: RunningApp; folder: string; addresses: () => string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'telemetry-token-'));
  const app = await RunningApp.start(platform, {
    controllers: [OrdersController],
    telemetry: { environment: 'development', store: { file: join(folder, 'telemetry.db') } },
  });
  return { app, folder, addresses: () => addressesIn(app) };
}

export function addressesIn(app: RunningApp): string[] {
  return app.log.lines.flatMap(({ msg }) => /^The dashboard is at (\S+)$/.exec(String(msg))?.[1] ?? []);
}

export async function ask<T = Json>(app: RunningApp, path: string, init: RequestInit = {}): Promise<T> {
  const response = await app.fetch(`/telemetry/api/v1/${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Asks the API until its answer is the expected one, through refusals too. */
export async function answered<T>(
  what: string,
  read: () => Promise<T | undefined | false>,
  withinMs?: number,
): Promise<T> {
  return eventually(what, read, withinMs, { throughErrors: true });
}

/** Headers that fetch would not send. */
export function statusAt(
  app: RunningApp,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<number> {
  return fromOutside(
    () =>
      new Promise((resolve, reject) => {
        request(`${app.origin}/telemetry/${path}`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on('error', reject)
          .end();
      }),
  );
}

export interface Trace extends Json {
  readonly spans: readonly (Json & { readonly name: string; readonly spanId: string })[];
  readonly logs: readonly (Json & { readonly message: string; readonly spanId: string })[];
}
