/** Text from servers in log lines. */
import { Buffer } from 'node:buffer'
import { cut, printable } from '../observe/log.js'

/** Enough to recognise an error message. */
const BYTES_MAX = 80

/** What a server has sent, as a part of a log line: in quotes, cut, and without control characters. */
export function quoted(received: Uint8Array | string): string {
  // Bytes behind the limit are not decoded; one more shows that there are some.
  const text =
    typeof received === 'string'
      ? received
      : Buffer.from(
          received.buffer,
          received.byteOffset,
          Math.min(received.byteLength, BYTES_MAX + 1),
        ).toString()
  return `"${printable(cut(text, BYTES_MAX))}"`
}
