// The licenses of packages whose code is published as part of ours ask to go with it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const installed = fileURLToPath(new URL('../node_modules', import.meta.url));

/** Returns the text of each license once, below the names and versions of the packages that have it. */
export function readLicenses(names) {
  const packages = names.map((name) => {
    const read = (file) => readFileSync(join(installed, name, file), 'utf8');
    return { title: `${name} ${JSON.parse(read('package.json')).version}`, text: read('LICENSE').trim() };
  });
  const texts = [...new Set(packages.map(({ text }) => text))];
  return texts
    .map((text) => {
      const titles = packages.filter((each) => each.text === text).map(({ title }) => title);
      return `${titles.join('\n')}\n\n${text}\n`;
    })
    .join('\n----\n\n');
}
