import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { findApplicationPackage } from '../../lib/config/application-package.js';

const NONE = { name: undefined, version: undefined, isEsm: false, dependencies: [] };
const ORDERS = { name: 'orders', version: '1.2.3', isEsm: false, dependencies: [] };

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
    expect(find('dist/src/main.js', tmpdir())).toEqual(ORDERS);
  });

  it('prefers the nearest one', () => {
    write('package.json', { name: 'monorepo', version: '0.0.0' });
    write('apps/orders/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('apps/orders/dist/main.js')).toEqual(ORDERS);
  });

  it('skips a package.json that only marks the module type', () => {
    write('package.json', { name: 'orders', version: '1.2.3' });
    write('dist/cjs/package.json', { type: 'commonjs' });
    expect(find('dist/cjs/main.js')).toEqual(ORDERS);
  });

  it.each(['{ not json', '[]', 'null', '{"name": 5}', '{"name": " "}'])(
    'skips a package.json that says %s',
    (content) => {
      write('package.json', { name: 'orders', version: '1.2.3' });
      write('dist/package.json', content);
      expect(find('dist/main.js')).toEqual(ORDERS);
    },
  );

  it('skips everything inside node_modules', () => {
    write('package.json', { name: 'orders', version: '1.2.3' });
    write('node_modules/runner/package.json', { name: 'runner', version: '9.9.9' });
    expect(find('node_modules/runner/bin/run.js', join(root, 'node_modules/runner'))).toEqual(ORDERS);
  });

  it('believes the working directory when the main script is a runner inside node_modules', () => {
    write('package.json', { name: 'monorepo', version: '0.0.0' });
    write('apps/orders/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('node_modules/.bin/jest', join(root, 'apps/orders'))).toEqual(ORDERS);
  });

  it('goes on to the working directory when nothing lies above the main script', () => {
    write('app/package.json', { name: 'orders', version: '1.2.3' });
    expect(find('elsewhere/main.js', join(root, 'app/src'))).toEqual(ORDERS);
  });

  it('leaves the version open when the package has none', () => {
    write('package.json', { name: 'orders', private: true });
    expect(find('main.js')).toEqual({ ...ORDERS, version: undefined });
  });

  it('returns whether it consists of ES modules, and what it depends on', () => {
    write('package.json', {
      name: 'orders',
      version: '1.2.3',
      type: 'module',
      dependencies: { pg: '8' },
      optionalDependencies: { redis: '6' },
      devDependencies: { jest: '30' },
    });
    expect(find('main.js')).toEqual({ ...ORDERS, isEsm: true, dependencies: ['pg', 'redis'] });
  });

  it('finds nothing where there is nothing, without throwing', () => {
    expect(find('missing/main.js', join(root, 'missing'))).toEqual(NONE);
  });

  it('looks around this process by default', () => {
    expect(findApplicationPackage().name).toBe('nestjs-telemetry');
  });
});
