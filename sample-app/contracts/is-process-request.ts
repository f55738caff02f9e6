import { type ProcessRequest } from './process.interface.js';

/** Whether `body` asks for something that can be processed: an object with a `text` that says something. */
export function isProcessRequest(body: unknown): body is ProcessRequest {
  if (typeof body !== 'object' || body === null || !('text' in body)) return false;
  return typeof body.text === 'string' && body.text.trim() !== '';
}
