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

describe.each(['sample-app', 'dashboard'])('the image that deploy/%s builds', (folder) => {
  const dockerfile = read(`deploy/${folder}/Dockerfile`);
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
    files!.split(' '),
  );
  const sent = read(`deploy/${folder}/Dockerfile.dockerignore`)
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
    expect([...sent].sort()).toEqual([...new Set(copied)].sort());
  });

  it('runs as a user without rights', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
  });
});

describe('the image of the page', () => {
  const dockerfile = read('deploy/dashboard/Dockerfile');

  it('starts the command that the package installs, and is asked for its health on the port of the page', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: string };
    expect(dockerfile).toContain(`node_modules/nestjs-telemetry/${bin.replace('./', '')}", "dashboard"`);
    const [, port] = /^const PORT = ([\d_]+);/m.exec(read('lib/cli/dashboard-command.ts'))!;
    expect(dockerfile).toContain(`EXPOSE ${port!}\n`);
    expect(dockerfile).toContain(`http://127.0.0.1:${port!}/health`);
  });
});
