import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Whether node_modules is there, complete, and no older than the lockfile. */
export function isInstalled(root) {
  // npm writes this file last, so an interrupted install has none.
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

/** Installs exactly what the lockfile says. Throws when npm fails; what npm had to say is on the terminal then. */
export async function installDependencies(root) {
  console.log('Installing dependencies (npm ci); the first time takes a minute or so …');
  const started = performance.now();
  const npm = process.env.npm_execpath;
  const [executable, ...lead] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const child = spawn(executable, [...lead, 'ci', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: executable === 'npm' && process.platform === 'win32',
  });
  const killWithUs = () => child.kill();
  process.once('exit', killWithUs);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  process.off('exit', killWithUs);
  if (code !== 0) throw new Error(`npm ci ended with code ${code}`);
  console.log(`Installed in ${((performance.now() - started) / 1_000).toFixed(0)} s`);
}
