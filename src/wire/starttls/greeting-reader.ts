/**
 * Reads the greeting of a remote whose client has had one already: servers of SMTP, IMAP, POP3 and FTP speak first, and after
 * STARTTLS their clients expect nothing.
 */
import type { ByteString } from '../../base/byte-string.js'

const GREETING_PROTOCOLS = ['smtp', 'imap', 'pop3', 'ftp'] as const
export type GreetingProtocol = (typeof GREETING_PROTOCOLS)[number]

export function hasGreeting(protocol: string): protocol is GreetingProtocol {
  return (GREETING_PROTOCOLS as readonly string[]).includes(protocol)
}

/** More than any server says in its greeting; those of FTP may have many lines. */
const GREETING_BYTES_MAX = 8192
const TEXT_BYTES_MAX = 200
const LF = 0x0a

/** Results of `read` that are no number of bytes: the greeting goes on, or the server does not serve. */
export const GREETING_INCOMPLETE = 0
export const GREETING_BAD = -1

/** A line of a reply of SMTP or FTP: its code, and whether more lines follow. */
const REPLY = /^(\d{3})([ -]|$)/

export class GreetingReader {
  /** Why the greeting is none that is served behind; after GREETING_BAD. */
  problem = ''
  readonly #protocol: GreetingProtocol
  #line: ByteString = ''
  #byteCount = 0
  /** The code of a reply of several lines that has begun. */
  #code = ''

  constructor(protocol: GreetingProtocol) {
    this.#protocol = protocol
  }

  /** Takes the next bytes: how many of them were the rest of the greeting, or one of the two results above. */
  read(bytes: Uint8Array, byteCount: number): number {
    for (let at = 0; at < byteCount; at++) {
      if (++this.#byteCount > GREETING_BYTES_MAX)
        return this.#fail(`is longer than ${GREETING_BYTES_MAX} bytes`)
      const byte = bytes[at] as number
      if (byte !== LF) this.#line += String.fromCharCode(byte)
      else {
        const line = this.#line.replace(/\r$/, '')
        this.#line = ''
        const verdict = this.#isReply() ? this.#replyLine(line) : this.#plainLine(line)
        if (verdict === 'last') return at + 1
        if (verdict === 'bad') return this.#fail(`is "${printable(line)}"`)
      }
    }
    return GREETING_INCOMPLETE
  }

  #isReply(): boolean {
    return this.#protocol === 'smtp' || this.#protocol === 'ftp'
  }

  #replyLine(line: ByteString): 'more' | 'last' | 'bad' {
    const [, code = '', separator] = REPLY.exec(line) ?? []
    // Lines in between may have any text (RFC 959, 4.2).
    if (this.#code !== '' && (code !== this.#code || separator === '-')) return 'more'
    if (code === '') return 'bad'
    if (code !== '220' && !this.#isDelay(code)) return 'bad'
    if (separator === '-') {
      this.#code = code
      return 'more'
    }
    this.#code = ''
    return code === '220' ? 'last' : 'more'
  }

  /** `120`: the service is ready in some minutes (RFC 959, 5.4). */
  #isDelay(code: string): boolean {
    return this.#protocol === 'ftp' && code === '120'
  }

  #plainLine(line: ByteString): 'last' | 'bad' {
    return (this.#protocol === 'imap' ? /^\* OK( |$)/i : /^\+OK( |$)/i).test(line) ? 'last' : 'bad'
  }

  #fail(problem: string): typeof GREETING_BAD {
    this.problem = `its greeting ${problem}`
    return GREETING_BAD
  }
}

/** Text of a server for the log. */
function printable(line: ByteString): string {
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, TEXT_BYTES_MAX)
}
