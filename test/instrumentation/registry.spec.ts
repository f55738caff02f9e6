import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  configureTelemetry,
  instrument,
  instrumentAll,
  type InstrumentationName,
  type InstrumentationOptions,
} from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

import { recentWarnings } from '../../lib/errors/warnings.js';
import { activeInstrumentations } from '../../lib/instrumentation/active-instrumentations.js';
import { clientInstrumentations, INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';
import { resolve } from '../config/resolve.js';

const root = join(__dirname, '../..');
const namesOf = (...names: InstrumentationName[]) =>
  names.flatMap((name) => Object.keys(INSTRUMENTATIONS[name].clients));
const all = clientInstrumentations().map(([name]) => name);

describe('the list of instrumentations', () => {
  it('gives each a switch that is on, or what it is configured with', () => {
    const on = resolve().instrumentation;
    expect(Object.keys(on)).toEqual(Object.keys(INSTRUMENTATIONS));
    expect(Object.values(on).filter((value) => value === false || value === undefined)).toEqual([]);
    const off = resolve({ instrumentation: false }).instrumentation;
    expect(Object.values(off).filter((value) => value !== false && value !== undefined)).toEqual([]);
  });

  it('is where the types of the options come from', () => {
    const options: InstrumentationOptions = {
      pg: false,
      httpServer: { ignore: ['/x'] },
      nest: { pipeline: false },
    };
    // @ts-expect-error there is no such switch
    const unknown: InstrumentationOptions = { oracle: true };
    // @ts-expect-error a plain switch has no options
    const detailed: InstrumentationOptions = { pg: { ignore: [] } };
    expect([options, unknown, detailed]).toHaveLength(3);
    expect(resolve({ instrumentation: options }).instrumentation).toMatchObject({
      pg: false,
      nest: { pipeline: false },
      redis: true,
    });
  });

  it('names each client once', () => {
    const clients = namesOf(...all);
    expect(new Set(clients).size).toBe(clients.length);
  });

  it.each(all)('has %s in the table of docs/clients.md, with its packages', (name) => {
    const page = readFileSync(join(root, 'docs/clients.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('|') && line.includes(`| \`${name}\` `));
    expect(rows).not.toEqual([]);
    const clients = rows.map((row) => row.split('|')[1]).join();
    expect(INSTRUMENTATIONS[name].packages.filter((each) => !clients.includes(each))).toEqual([]);
  });

  it('describes each option where it is listed, in the words of docs/configuration.md', () => {
    const source = readFileSync(join(root, 'lib/instrumentation/registry.ts'), 'utf8');
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    for (const name of Object.keys(INSTRUMENTATIONS)) {
      const [, text] = new RegExp(String.raw`/\*\* (.+) Default true\. \*/\s+${name}[,:]`).exec(source) ?? [];
      expect([name, text]).toEqual([name, expect.any(String)]);
      const row = page.split('\n').find((line) => line.startsWith(`| \`instrumentation.${name}\``));
      if (!all.some((client) => client === name)) expect(row).toContain(text);
    }
  });
});

describe('what the list is for', () => {
  const telemetryWith = (instrumentation: InstrumentationOptions | false) =>
    configureTelemetry({ ...createTelemetryProbe().options, instrumentation });

  it('starts what is switched on, and nothing else', async () => {
    const telemetry = telemetryWith({ redis: false, http: false, runtimeMetrics: false });
    const others = all.filter((name) => name !== 'redis' && name !== 'http');
    expect(activeInstrumentations()).toEqual(namesOf(...others));
    await telemetry.shutdown();
    expect(activeInstrumentations()).toEqual([]);
  });

  it('turns on by hand all that is on it, except what is left out', async () => {
    const telemetry = telemetryWith(false);
    const undo = instrumentAll({ except: ['redis', 'bullmq'] });
    expect(activeInstrumentations()).toEqual(
      namesOf(...all.filter((name) => name !== 'redis' && name !== 'bullmq')),
    );
    undo();
    expect(activeInstrumentations()).toEqual([]);
    await telemetry.shutdown();
  });

  it('turns on one by its name, patches the module it is given, and restores that', async () => {
    const telemetry = telemetryWith(false);
    class Client {
      query(): string {
        return 'rows';
      }
    }
    const query: unknown = Reflect.get(Client.prototype, 'query');
    const undo = instrument('pg', { Client });
    expect(activeInstrumentations()).toEqual(['pg']);
    expect(Client.prototype.query).not.toBe(query);
    undo();
    undo();
    expect(Client.prototype.query).toBe(query);
    expect(activeInstrumentations()).toEqual([]);
    await telemetry.shutdown();
  });

  it('warns about a name that is not on it, and about a value that is no such module', async () => {
    const telemetry = telemetryWith(false);
    instrument('oracle' as never)();
    instrument('pg', 42 as never)();
    expect(activeInstrumentations()).toEqual([]);
    expect(recentWarnings().map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^instrument\('oracle'\) names no client\. Known are bullmq, http, /),
        expect.stringMatching(/^instrument\('pg'\) could not instrument the value it received: /),
      ]),
    );
    await telemetry.shutdown();
  });
});
