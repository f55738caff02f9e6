import { readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** A script and every script of ours that it imports, directly or not. */
function scriptsOf(file: string): string[] {
  const imported = [...read(file).matchAll(/from '(\.[^']+)'/g)].map(([, specifier]) =>
    posix.join(posix.dirname(file), specifier!),
  );
  return [file, ...imported.flatMap((path) => scriptsOf(path))];
}

describe('the image of the sample system', () => {
  const copied = [...read('deploy/sample-app/Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(
    ([, files]) => files!.split(' '),
  );
  const sent = read('deploy/sample-app/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));

  it('is given every script that builds it', () => {
    const needed = scriptsOf('scripts/build.mjs');
    expect(needed).toContain('scripts/build-ui.mjs');
    expect(copied).toEqual(expect.arrayContaining(needed));
  });

  it('is given every project that is compiled in it', () => {
    const projects = [...read('scripts/build.mjs').matchAll(/project: '([^'/]+)'/g)].map(([, name]) => name);
    expect(projects).toEqual(['tsconfig.lib.json']);
    expect(copied).toEqual(expect.arrayContaining(projects));
  });

  it('is copied from files that its builder is sent', () => {
    expect(sent).toEqual(expect.arrayContaining(copied));
  });
});
