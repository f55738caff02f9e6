import { type Database } from '../database/database.js';
import { type SourceAnswer } from '../../reader/answers.interface.js';

/** Where methods of services were written, as their processes have declared; each is looked for once. */
export function findSources(
  database: Database,
): (service: string, functionName: string) => SourceAnswer | undefined {
  const found = new Map<string, SourceAnswer | undefined>();
  return (service, functionName) => {
    const key = `${service} ${functionName}`;
    if (!found.has(key))
      found.set(
        key,
        database.get<SourceAnswer>(
          `SELECT file, line FROM services JOIN functions ON functions.service = services.id
           WHERE services.name = ? AND functions.name = ?`,
          service,
          functionName,
        ),
      );
    return found.get(key);
  };
}
