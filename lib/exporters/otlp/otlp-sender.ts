import { type Delivery, type ExportRequest, type Sender } from '../sending/sender.interface.js';
import { readPartialSuccess } from './transport/read-answers.js';
import { type Transport } from './transport/transport.interface.js';

const MAX_MESSAGE_LENGTH = 300;

/** Writes a request in the encoding of the target; called for each attempt. */
export type EncodeRequest<Request> = (request: Request) => Uint8Array;

/** Sends requests by OTLP, and reads from the answers what was not accepted. */
export class OtlpSender<Request extends ExportRequest> implements Sender<Request> {
  constructor(
    private readonly transport: Transport,
    private readonly encode: EncodeRequest<Request>,
  ) {}

  async send(request: Request, timeoutMs: number): Promise<Delivery> {
    const answer = await this.transport.send(this.encode(request), timeoutMs);
    if (answer.outcome !== 'sent') return answer;
    if (answer.body === undefined)
      return { outcome: 'sent', message: 'the answer is too large or incomplete to be one of OTLP' };
    return readAnswer(answer.body, answer.contentType);
  }

  abort(): void {
    this.transport.close();
  }

  close(): Promise<void> {
    this.transport.close();
    return Promise.resolve();
  }
}

function readAnswer(body: Uint8Array, contentType: string): Delivery {
  if (body.length === 0) return { outcome: 'sent' };
  try {
    const { rejected, message } = readPartialSuccess(body, contentType);
    return {
      outcome: 'sent',
      rejected,
      ...(message !== '' && { message: message.slice(0, MAX_MESSAGE_LENGTH) }),
    };
  } catch {
    const kind = contentType === '' ? 'no content type' : contentType;
    return { outcome: 'sent', message: `the answer is not one of OTLP (${kind}); is it a collector?` };
  }
}
