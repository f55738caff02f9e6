import { readFileSync } from 'node:fs';
// webpack replaces `import { createRequire }` by `undefined`, and the bundle does not start.
import * as modules from 'node:module';

import { hasMethods } from '../../config/option-rules.js';
import { requireForPackage } from '../../process/application-modules.js';

/** An optional peer dependency: only a configuration file needs it. */
const PARSER_PACKAGE = '@opentelemetry/configuration';

interface ParserPackage {
  /** Replaces references to variables, and checks the file by the schema. @throws Error with what is wrong */
  parseConfigFile(path: string): unknown;
}

/** OpenTelemetry's parser of configuration files. */
export interface ConfigFileParser {
  /** @throws Error with what is wrong */
  parse(path: string): unknown;
  /**
   * Reads the file as it is written: no references are replaced, no schema is asked; undefined where
   * that is not possible.
   *
   * @throws Error with the line and column of what is no YAML
   */
  parseUnchecked(path: string): unknown;
}

/** Loads the parser. @throws Error with the command that installs it */
export function loadConfigFileParser(): ConfigFileParser {
  const found = requireForPackage(PARSER_PACKAGE);
  const loaded: unknown = found?.(PARSER_PACKAGE);
  if (found === undefined || !hasMethods(loaded, ['parseConfigFile']))
    throw new Error(
      `it needs the package ${PARSER_PACKAGE}, which is not installed, or too old: run \`npm install ${PARSER_PACKAGE}\``,
    );
  const parser = loaded as ParserPackage; // checked above
  const yaml = loadYaml(found);
  const parseUnchecked = (path: string): unknown => yaml?.parse(readFileSync(path, 'utf8'));
  return {
    parse: (path) => {
      // The parser ignores errors of syntax, and takes what it could read before them.
      parseUnchecked(path);
      return parser.parseConfigFile(path);
    },
    parseUnchecked,
  };
}

interface Yaml {
  parse(text: string): unknown;
}

/** Loads the package for YAML that the parser uses; undefined where it uses another. */
function loadYaml(application: NodeJS.Require): Yaml | undefined {
  try {
    const yaml: unknown = modules.createRequire(application.resolve(PARSER_PACKAGE))('yaml');
    return hasMethods(yaml, ['parse']) ? (yaml as Yaml) : undefined; // as it was checked
  } catch {
    // The schema is checked without it.
    return undefined;
  }
}
