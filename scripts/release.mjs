// Makes the tarball of a release from a clean checkout, and says how it is published: `npm run release`.
//
//   node scripts/release.mjs          checks what belongs to a release, runs `verify` and `check:package`, packs
//   node scripts/release.mjs --pack   only packs: here and in a copy of the sources, which must give the same bytes
//   node scripts/release.mjs --date   what `npm version` runs: dates the section "Unreleased" of CHANGELOG.md
//
// npm adds provenance only where it runs in CI with an identity of that, so publishing is left to a job there.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { changelogProblems, dateUnreleased } from './prepare/changelog.mjs';
import { packLibrary } from './prepare/packed-library.mjs';
import { captureCommand, runCommand } from './prepare/run-command.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const changelog = join(root, 'CHANGELOG.md');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { version } = manifest;

const git = (...args) => captureCommand('git', args, { cwd: root }).stdout.trim();

/** What keeps HEAD from being released. */
function findProblems() {
  const changed = git('status', '--porcelain');
  const tags = git('tag', '--points-at', 'HEAD').split('\n');
  return [
    ...(changed === '' ? [] : [`there are changes that are not committed:\n${changed}`]),
    ...(tags.includes(`v${version}`)
      ? []
      : [`HEAD has no tag v${version}: \`npm version major|minor|patch\` makes one`]),
    ...changelogProblems(readFileSync(changelog, 'utf8'), version),
    ...(typeof manifest.repository?.url === 'string'
      ? []
      : [
          'package.json has no "repository": npm compares it with the repository of the CI job for provenance',
        ]),
  ];
}

/** The files of the repository as they stand, by their paths. */
function sourceFiles() {
  const listed = git('ls-files', '-z', '--cached', '--others', '--exclude-standard');
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
}

/**
 * Packs the sources here and in a copy of them in another folder.
 *
 * @throws Error where the two tarballs differ
 */
function packTwice() {
  const output = join(root, '.cache/release');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const packed = packLibrary(root, output);
  const copy = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-release-'));
  try {
    for (const file of sourceFiles()) cpSync(join(root, file), join(copy, file));
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
    const again = packLibrary(copy, copy);
    if (again.integrity === packed.integrity) return packed;
    cpSync(again.path, join(output, `other-${again.filename}`));
    throw new Error(`two builds of the same sources differ: compare the tarballs in ${output}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function printPacked({ path, integrity, files, size }) {
  console.log(`${path}\n  ${files.length} files, ${Math.round(size / 1_024)} kB\n  ${integrity}`);
}

function release() {
  const problems = findProblems();
  if (problems.length > 0) throw new Error(`${version} cannot be released:\n- ${problems.join('\n- ')}`);
  for (const script of ['verify', 'check:package'])
    runCommand('npm', ['run', '--silent', script], { cwd: root });
  const packed = packTwice();
  printPacked(packed);
  console.log(
    `In CI, with the permission "id-token: write": npm publish ${packed.filename} --provenance --access public`,
  );
}

const commands = {
  '--pack': () => printPacked(packTwice()),
  '--date': () => {
    const today = new Date().toISOString().slice(0, 10);
    writeFileSync(changelog, dateUnreleased(readFileSync(changelog, 'utf8'), version, today));
  },
};
const [option] = process.argv.slice(2);
try {
  if (option !== undefined && !Object.hasOwn(commands, option))
    throw new Error(`usage: node scripts/release.mjs [${Object.keys(commands).join('|')}]`);
  (commands[option] ?? release)();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
