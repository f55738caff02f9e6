/** Whether `text` can be the name of an HTTP header. */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~\w]+$/.test(text);
}

/** Whether `text` can be sent as the value of an HTTP header. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}
