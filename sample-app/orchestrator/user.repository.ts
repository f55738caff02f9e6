import { Injectable, NotFoundException } from '@nestjs/common';
import { TelemetryService } from 'nestjs-telemetry';

import { type User } from '../contracts/user.interface.js';
import { Database } from '../service-host/database.client.js';

/** The users of the system, in PostgreSQL. */
@Injectable()
export class UserRepository {
  constructor(
    private readonly telemetry: TelemetryService,
    private readonly database: Database,
  ) {}

  /** @throws NotFoundException for an unknown id */
  find(id: string): Promise<User> {
    return this.telemetry.trace('database_query_users', { table: 'users', op: 'select' }, async () => {
      const [user] = await this.database.query<User>('SELECT id, name, voice FROM users WHERE id = $1', [id]);
      if (user === undefined) throw new NotFoundException(`user ${id} not found`);
      return user;
    });
  }
}
