import { pbkdf2Sync } from 'node:crypto';

import { BadRequestException, HttpException, Injectable } from '@nestjs/common';
import { InjectTelemetry, TelemetryService } from 'nestjs-telemetry';

import { isProcessRequest } from '../contracts/is-process-request.js';
import { type ProcessRequest, type ProcessResponse } from '../contracts/process.interface.js';
import { OrchestratorClient } from './orchestrator.client.js';

const BUSY_MS = 800;

/** Keeps the processor and the event loop of this process busy. */
function deriveKeys(text: string): void {
  const endsAt = performance.now() + BUSY_MS;
  while (performance.now() < endsAt) pbkdf2Sync(text, 'salt', 1_000, 32, 'sha256');
}

/** Validates a request, has the orchestrator process it, and counts and times how it ended. */
@Injectable()
export class GatewayService {
  constructor(
    @InjectTelemetry('api_gateway') private readonly telemetry: TelemetryService,
    private readonly orchestrator: OrchestratorClient,
  ) {}

  /** @throws BadRequestException without a text; what the orchestrator objects to; BadGatewayException when it fails */
  process(body: unknown): Promise<ProcessResponse> {
    const startedAt = performance.now();
    return this.telemetry.trace('handle_request', async () => {
      try {
        const result = await this.orchestrator.process(this.validate(body));
        this.recordRequest(200, startedAt);
        return { ...result, traceId: this.telemetry.getCurrentTraceId() };
      } catch (error) {
        this.recordRequest(error instanceof HttpException ? error.getStatus() : 500, startedAt);
        throw error;
      }
    });
  }

  private validate(body: unknown): ProcessRequest {
    return this.telemetry.trace('validate_data', () => {
      this.telemetry.logInfo('Validating input');
      if (!isProcessRequest(body)) {
        this.telemetry.counter('validation_errors').add(1);
        this.telemetry.logWarning('Missing text field');
        throw new BadRequestException('text required');
      }
      if (body.simulate?.cpu === 'busy') deriveKeys(body.text);
      return body;
    });
  }

  private recordRequest(status: number, startedAt: number): void {
    const labels = { method: 'POST', status: String(status) };
    this.telemetry.counter('requests_total').add(1, labels);
    this.telemetry.histogram('request_duration_ms').record(performance.now() - startedAt, labels);
  }
}
