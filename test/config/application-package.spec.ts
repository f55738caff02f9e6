import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { findApplicationPackage } from '../../lib/config/application-package.js';

const NONE = { name: undefined, version: undefined };

describe('findApplicationPackage()', () => {
  let root: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'application-package-')));
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const write = (file: string, content: unknown): string => {
    const path = join(root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };

  const find = (mainScript: string, workingDirectory = root) =>
    findApplicationPackage({ mainScript: join(root, mainScript), workingDirectory });

  it('finds the package above the main script', () => {
    write('package.json', { name: 'orders', version: '1.2.3' });
    expect(find('dist/src/main.js', tmpdir())).toEqual({ name: 'orders', version: '1.2.3' });
  });

  it('prefers the nearest one', () => {
    write('package.json', { name: 'monorepo', version: '0.0.0' });
    write('apps/orders/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('apps/orders/dist/main.js')).toEqual({ name: 'orders', version: '1.2.3' });
  });

  it('skips a package.json that only marks the module type', () => {
    write('package.json', { name: 'orders', version: '1.2.3' });
    write('dist/cjs/package.json', { type: 'commonjs' });
    expect(find('dist/cjs/main.js')).toEqual({ name: 'orders', version: '1.2.3' });
  });

  it.each(['{ not json', '[]', 'null', '{"name": 5}', '{"name": " "}'])(
    'skips a package.json that says %s',
    (content) => {
      write('package.json', { name: 'orders', version: '1.2.3' });
      write('dist/package.json', content);
      expect(find('dist/main.js')).toEqual({ name: 'orders', version: '1.2.3' });
    },
  );

  it('skips everything inside node_modules', () => {
    write('package.json', { name: 'orders', version: '1.2.3' });
    write('node_modules/runner/package.json', { name: 'runner', version: '9.9.9' });
    expect(find('node_modules/runner/bin/run.js', join(root, 'node_modules/runner'))).toEqual({
      name: 'orders',
      version: '1.2.3',
    });
  });

  it('believes the working directory when the main script is a runner inside node_modules', () => {
    write('package.json', { name: 'monorepo', version: '0.0.0' });
    write('apps/orders/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('node_modules/.bin/jest', join(root, 'apps/orders'))).toEqual({
      name: 'orders',
      version: '1.2.3',
    });
  });

  it('goes on to the working directory when nothing lies above the main script', () => {
    write('app/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('elsewhere/main.js', join(root, 'app/src'))).toEqual({ name: 'orders', version: '1.2.3' });
  });

  it('leaves the version open when the package has none', () => {
    write('package.json', { name: 'orders', private: true });
    expect(find('main.js')).toEqual({ name: 'orders', version: undefined });
  });

  it('finds nothing where there is nothing, without throwing', () => {
    expect(find('missing/main.js', join(root, 'missing'))).toEqual(NONE);
  });

  it('looks around this process by default', () => {
    expect(findApplicationPackage().name).toBe('nestjs-telemetry');
  });
});
