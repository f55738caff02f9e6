import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';
import { Counted, SpanAttribute, TelemetryService, Trace } from 'nestjs-telemetry';

import { type ProcessResult } from '../contracts/process.interface.js';
import { hasFault } from '../service-host/fault.js';
import { AudioCache } from './audio-cache.client.js';

const SYNTHESIS_MS = 20;
/** Numbers that the fault `memory` keeps of each call, 400 kB, and of how many calls: 400 MB in all. */
const SAMPLES = 50_000;
const MAX_LEAKED = 1_000;

/** Speaks a text: from the cache when it was spoken before, else by doing the work. */
@Injectable()
export class TtsService {
  private readonly leaked: number[][] = [];

  constructor(
    private readonly telemetry: TelemetryService,
    private readonly cache: AudioCache,
  ) {}

  @Trace({ name: 'tts.synthesize' })
  @Counted('tts_synthesized_total')
  async synthesize(text: string, @SpanAttribute('tts.voice') voice: string): Promise<ProcessResult['audio']> {
    if (hasFault('memory') && this.leaked.length < MAX_LEAKED)
      this.leaked.push(Array.from({ length: SAMPLES }, (_, sample) => sample / SAMPLES));
    const key = `audio:${voice}:${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    const known = await this.cache.get(key);
    if (known !== undefined) return { id: known, voice, cached: true };
    this.telemetry.logDebug('Audio not in the cache', { key });
    await pause(SYNTHESIS_MS);
    const id = key.slice('audio:'.length).replace(':', '-');
    await this.cache.set(key, id);
    return { id, voice, cached: false };
  }
}
