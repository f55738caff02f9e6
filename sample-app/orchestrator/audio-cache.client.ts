import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { TelemetryService } from 'nestjs-telemetry';

import { urls } from '../settings/addresses.js';

const EXPIRES_AFTER_S = 300;

/** Remembers audio in Redis. Without Redis everything still works, only slower: failures are warned about, not thrown. */
@Injectable()
export class AudioCache implements OnApplicationShutdown {
  private readonly redis = new Redis(urls.redis(), { maxRetriesPerRequest: 1 });

  constructor(private readonly telemetry: TelemetryService) {
    this.redis.on('error', (error: Error) => {
      this.telemetry.logWarning('Redis connection failed', { reason: error.message });
    });
  }

  /** The value under `key`, or undefined when there is none or Redis does not answer. */
  async get(key: string): Promise<string | undefined> {
    try {
      return (await this.redis.get(key)) ?? undefined;
    } catch (error) {
      this.telemetry.logWarning('Audio cache cannot be read', { reason: String(error) });
      return undefined;
    }
  }

  async set(key: string, value: string): Promise<void> {
    try {
      await this.redis.set(key, value, 'EX', EXPIRES_AFTER_S);
    } catch (error) {
      this.telemetry.logWarning('Audio cache cannot be written', { reason: String(error) });
    }
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
