import { applicationRequire } from '../process/application-modules.js';
import {
  fileOf,
  folderOf,
  type LoadedLibrary,
  notedLibraries,
  packageVersion,
} from './clients/loaded-modules.js';
import { clientInstrumentations } from './registry.js';

/** Clients of databases and queues, of which those are unrecorded that no definition names. */
const KNOWN_CLIENTS =
  'better-sqlite3 cassandra-driver couchbase mariadb memcached oracledb pg-native postgres sqlite3 tedious'.split(
    ' ',
  );

/** The client libraries that this process has loaded, sorted by name. */
export function loadedLibraries(): readonly LoadedLibrary[] {
  const found = new Map(notedLibraries());
  const paths = Object.keys(applicationRequire().cache);
  const recorded = new Set(clientInstrumentations().flatMap(([, { packages }]) => packages));
  for (const name of KNOWN_CLIENTS.filter((each) => !recorded.has(each))) {
    const pattern = fileOf(name, '');
    for (const path of paths.filter((each) => pattern.anyFile.test(each))) {
      const folder = folderOf(pattern, path);
      found.set(folder, {
        name,
        version: packageVersion(folder),
        recorded: false,
        reason: 'there is no instrumentation for it; pass one of OpenTelemetry in `instrumentations`',
      });
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}
