import { type ClientRequest, type IncomingMessage } from 'node:http';

/** A request of `node:http` or `node:https`, with what is read of it beyond its documented members. */
export interface OutgoingRequest extends ClientRequest {
  readonly res?: (IncomingMessage & { readonly _dumped?: boolean }) | null;
  readonly socketPath?: string;
  /** Head of a request whose headers were given as a list: they are written out when it is made. */
  _header?: string | null;
  readonly _headerSent?: boolean;
  /** What follow-redirects (and with it axios) counts. */
  readonly _redirectable?: { readonly _redirectCount?: number };
}

export interface RequestMessage {
  readonly request: OutgoingRequest;
}

export interface RequestErrorMessage extends RequestMessage {
  readonly error: unknown;
}

export interface ResponseMessage extends RequestMessage {
  readonly response: IncomingMessage;
}
