/** Commands and reports as text of a trace. */
const LONG = new Set(['settings', 'keys', 'staple', 'table'])

/** What a trace shows of a message between threads; settings and keys hold secrets, and are long. */
export function traceText(message: object): string {
  return JSON.stringify(message, (name, value) => (LONG.has(name) ? '…' : value))
}
