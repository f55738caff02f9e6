import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { SourceMaps } from '../../../lib/dashboard/sources/source-maps.js';

describe('the line that was written for a line that runs', () => {
  let folder: string;
  let script: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'source maps-'));
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/orders.ts'), '');
    script = join(folder, 'dist/orders.js');
    mkdirSync(join(folder, 'dist'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** Line 1 of the script, from its beginning, is line 5 of the source. */
  const mapOf = (sources: readonly string[], more: object = {}): string =>
    JSON.stringify({ version: 3, sources, names: [], mappings: 'AAIA', ...more });
  const inline = (map: string): string =>
    `data:application/json;charset=utf-8;base64,${Buffer.from(map).toString('base64')}`;
  const find = (sourceMapUrl: string, url = pathToFileURL(script).href) =>
    new SourceMaps().find({ script: { url, sourceMapUrl }, line: 0, column: 3 });

  it.each([
    ['beside its map', ['../src/orders.ts'], {}],
    ['below the root of its map', ['orders.ts'], { sourceRoot: '../src' }],
    ['below a root with a slash', ['orders.ts'], { sourceRoot: '../src/' }],
  ])('is found %s', async (_, sources, more) => {
    writeFileSync(`${script}.map`, mapOf(sources, more));
    const written = { file: join(folder, 'src/orders.ts'), line: 5 };
    expect(await find('orders.js.map')).toEqual(written);
    expect(await find(inline(mapOf(sources, more)))).toEqual(written);
    expect(await find(`data:application/json,${encodeURIComponent(mapOf(sources, more))}`)).toEqual(written);
  });

  it('is found where a loader names the script by its path', async () => {
    expect((await find(inline(mapOf(['../src/orders.ts'])), script))?.line).toBe(5);
  });

  it.each([
    ['there is no map', ''],
    ['the map is missing', 'missing.js.map'],
    ['the map is none', inline('{')],
    ['the map has no sources', inline('{}')],
    ['the map is elsewhere', 'https://maps.example/orders.js.map'],
    ['the source is not there', inline(mapOf(['../src/gone.ts']))],
    ['the source is no file', inline(mapOf(['webpack://app/./src/orders.ts']))],
    ['the source is on another machine', inline(mapOf(['file://server/share/orders.ts']))],
  ])('is that of the script where %s', async (_, sourceMapUrl) => {
    expect(await find(sourceMapUrl)).toEqual({ file: script, line: 1 });
  });

  it.each([
    ['made of text', ''],
    ['part of Node', 'node:events'],
    ['an installed package', '/srv/app/node_modules/@nestjs/core/router.js'],
  ])('is none of code that is %s', async (_, url) => {
    expect(await find('', url)).toBeUndefined();
  });
});
