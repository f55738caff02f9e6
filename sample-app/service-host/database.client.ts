import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { TelemetryService } from 'nestjs-telemetry';
import pg from 'pg';

import { urls } from '../settings/addresses.js';
import { waitForDependency } from './wait-for-dependency.js';

/** A small pool of connections to PostgreSQL. */
@Injectable()
export class Database implements OnApplicationShutdown, OnModuleInit {
  private readonly pool = new pg.Pool({
    connectionString: urls.database(),
    max: 4,
    connectionTimeoutMillis: 3_000,
  });

  constructor(telemetry: TelemetryService) {
    this.pool.on('error', (error) => {
      telemetry.logWarning('An idle database connection broke', { reason: error.message });
    });
  }

  async onModuleInit(): Promise<void> {
    await waitForDependency('PostgreSQL', () => this.pool.query('SELECT FROM users, results LIMIT 0'));
  }

  /** The rows of one statement. */
  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(text, [...values]);
    return rows;
  }

  /** Keeps a connection, which nothing else can use, until the work is done. */
  async whileConnected<T>(work: () => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      return await work();
    } finally {
      client.release();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
