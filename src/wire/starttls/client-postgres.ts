/** The opening of PostgreSQL: the message SSLRequest, and one byte as the answer. */
import { type Answer, type ClientOpening, MALFORMED, MORE, REFUSED } from './client-step.js'

/** Length 8, and the number in place of a protocol version (PostgreSQL documentation, 55.2.10). */
export const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f)

const YES = 0x53
const NO = 0x4e
/** An error message, of a server that is too old or has no room. It was not protected: its text is not shown. */
const ERROR = 0x45

export function postgresOpening(): ClientOpening {
  return {
    protocol: 'postgres',
    steps: [{ what: 'answer to SSLRequest', request: SSL_REQUEST, read: readAnswer }],
    hasGreeting: false,
    cleanGreeting: (_bytes, start, end) => end - start,
    describe: (bytes, start) => (bytes[start] === NO ? 'it does not speak TLS' : 'it has an error'),
  }
}

function readAnswer(bytes: Uint8Array, start: number, end: number): Answer {
  if (end === start) return MORE
  const first = bytes[start]
  if (first === YES) return 1
  return first === NO || first === ERROR ? REFUSED : MALFORMED
}
