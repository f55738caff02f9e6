// Finds the browser that the tests of the page drive.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';

/** Names on the PATH, the most likely to be a plain Chromium first. */
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];

/** Where installers put it on systems that keep programs off the PATH. */
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** Packages that bring or know a browser, where they are installed; none of them is a dependency, for browsers are large. */
const PACKAGES = {
  'playwright-core': ({ chromium }) => chromium.executablePath(),
  puppeteer: (puppeteer) => puppeteer.default.executablePath(),
  // Unpacks the browser into the folder for temporary files when it is asked.
  '@sparticuz/chromium': (sparticuz) => sparticuz.default.executablePath(),
};

/** What to tell somebody who has none. */
export const HOW_TO_GET_CHROMIUM =
  'install Chromium or Chrome, or name one by CHROMIUM_BIN, or run `npm install --no-save @sparticuz/chromium` (about 70 MB, Linux) ' +
  'or `npx playwright-core install chromium`, then `npm run test:browser`';

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser that CHROMIUM_BIN names, else one that is installed on this machine; undefined when there is none. */
export function findInstalledChromium(env = process.env) {
  const named = env.CHROMIUM_BIN || env.CHROMIUM;
  if (named) return named;
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...onPath, ...PLACES].find(isExecutable);
}

/** The same, and else the browser of an npm package that happens to be installed. */
export async function findChromium(env = process.env) {
  const installed = findInstalledChromium(env);
  if (installed !== undefined) return installed;
  for (const [name, executablePath] of Object.entries(PACKAGES)) {
    try {
      const path = await executablePath(await import(name));
      if (path && isExecutable(path)) return path;
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND')
        console.warn(`${name} has no browser to run: ${error.message}`);
    }
  }
  return undefined;
}
