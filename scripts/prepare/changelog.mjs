/** Reads and moves sections of CHANGELOG.md: `## Unreleased` at the top, then `## 1.2.3 – 2026-12-24`, newest first. */

const UNRELEASED = 'Unreleased';
const RELEASED = /^\d+\.\d+\.\d+(?:-[\w.]+)? – \d{4}-\d{2}-\d{2}$/;

/** Returns the sections: the `title` behind `## `, and the `body` without blank lines around it. */
function readSections(changelog) {
  return changelog
    .split(/^(?=## )/m)
    .filter((text) => text.startsWith('## '))
    .map((text) => {
      const [heading = '', ...lines] = text.split('\n');
      return { title: heading.slice(3).trim(), body: lines.join('\n').trim() };
    });
}

/** Returns the sections after the first that are no released version: what stands there would never get a version. */
function undatedSections(sections, except) {
  return sections
    .filter(({ title }, at) => !RELEASED.test(title) && !(title === UNRELEASED && at === 0))
    .filter(({ title }) => title.split(' ')[0] !== except)
    .map(
      ({ title }) =>
        `the section "${title}" of CHANGELOG.md is no "## 1.2.3 – 2026-12-24": what is not released belongs under "## ${UNRELEASED}", at the top`,
    );
}

/** Returns what is wrong with the sections of a changelog between two releases. */
export function structureProblems(changelog) {
  return undatedSections(readSections(changelog));
}

/** Returns what keeps that version from being released. */
export function changelogProblems(changelog, version) {
  const sections = readSections(changelog);
  const own = sections.find(({ title }) => title.split(' ')[0] === version);
  const open = sections.find(({ title }) => title === UNRELEASED);
  const problems = undatedSections(sections, version);
  if (own === undefined)
    problems.push(
      `CHANGELOG.md has no section of ${version}: \`npm version ${version} --allow-same-version\` makes it`,
    );
  else if (!/ – \d{4}-\d{2}-\d{2}$/.test(own.title))
    problems.push(`the section "${own.title}" of CHANGELOG.md has no date`);
  else if (own.body === '') problems.push(`the section of ${version} in CHANGELOG.md is empty`);
  if (open !== undefined && open.body !== '')
    problems.push(
      `CHANGELOG.md has changes under "${UNRELEASED}": they belong to ${version} or to a later commit`,
    );
  return problems;
}

/**
 * Puts what is under `## Unreleased` under the version and the date, and leaves an empty `## Unreleased`.
 *
 * @throws Error where there is nothing to release, or another section has no version and date
 */
export function dateUnreleased(changelog, version, date) {
  const sections = readSections(changelog);
  if (sections.some(({ title }) => title.split(' ')[0] === version))
    throw new Error(`CHANGELOG.md has a section of ${version} already`);
  if (!sections.some(({ title, body }) => title === UNRELEASED && body !== ''))
    throw new Error(`CHANGELOG.md has nothing under "## ${UNRELEASED}"`);
  const [problem] = undatedSections(sections);
  if (problem !== undefined) throw new Error(problem);
  return changelog.replace(`## ${UNRELEASED}\n`, `## ${UNRELEASED}\n\n## ${version} – ${date}\n`);
}
