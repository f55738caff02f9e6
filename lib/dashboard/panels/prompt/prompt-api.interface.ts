/** A text in Markdown that says what failed or was slow, and where. */
export interface PromptAnswer {
  readonly markdown: string;
}

/** Addresses of the panel, and their answers. */
export interface PromptApi {
  readonly 'GET prompt/traces/:traceId': PromptAnswer;
  readonly 'GET prompt/errors/:service/:fingerprint': PromptAnswer;
}
