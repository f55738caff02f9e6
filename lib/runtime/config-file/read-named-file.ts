import { resolve } from 'node:path';

import { CONFIG_FILE_VARIABLE, type ConfigFileReading } from '../../config/config-file.js';
import { renderReceived } from '../../config/option-rules.js';
import { isError } from '../../errors/telemetry.error.js';
import { type ConfigFileParser, loadConfigFileParser } from './config-file-parser.js';
import { ConfigNode, type FileProblem } from './config-node.js';
import { readDocument } from './read-document.js';

const MAX_PROBLEMS = 20;

/** Reads the file at `path`, which the environment names. Never throws: what is wrong becomes a warning. */
export function readNamedFile(path: string): ConfigFileReading {
  const received = `${CONFIG_FILE_VARIABLE} in the environment is ${renderReceived(path)}`;
  let parser: ConfigFileParser | undefined;
  try {
    parser = loadConfigFileParser();
    const root = new ConfigNode(parser.parse(resolve(path)));
    const settings = readDocument(root);
    const problems = root.problems();
    return {
      settings,
      warnings:
        problems.length === 0
          ? []
          : [`${received}, of which this has no effect: ${list(problems)}. The rest of the file applies.`],
    };
  } catch (error) {
    const reason = `${reasonOf(error, path)}${hint(parser, path)}`;
    return {
      warnings: [
        `${received}, which cannot be used: ${reason}. The variables of the environment apply instead. ` +
          'Correct the file, or remove the variable.',
      ],
    };
  }
}

function list(problems: readonly FileProblem[]): string {
  const shown = problems
    .slice(0, MAX_PROBLEMS)
    .map(({ path, remedy }) => `${path} (${remedy.replace(/\.$/, '')})`);
  const rest = problems.length - shown.length;
  return rest === 0 ? shown.join('; ') : `${shown.join('; ')}; and ${rest} more`;
}

/** In one line, without the words that every message of the parser has, and without an excerpt of the file. */
function reasonOf(error: unknown, path: string): string {
  const message = isError(error) ? error.message : String(error);
  return (message.split('\n\n', 1)[0] ?? '')
    .replace(/^Invalid OpenTelemetry config file: /, '')
    .replace(`${resolve(path)}: `, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[.:]$/, '');
}

/** The schema says where a key is that it does not know, but not which one: names those that nothing here knows. */
function hint(parser: ConfigFileParser | undefined, path: string): string {
  try {
    const root = new ConfigNode(parser?.parseUnchecked(resolve(path)));
    readDocument(root);
    const unknown = root.problems().filter(({ isUnknownKey }) => isUnknownKey);
    return unknown.length === 0 ? '' : ` – look at ${list(unknown)}`;
  } catch {
    // It is no YAML, or cannot be read: the reason stands before.
    return '';
  }
}
