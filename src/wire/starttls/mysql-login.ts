/**
 * The login of a client of MySQL without TLS at a server with TLS: the request for TLS was a packet of its own, so the numbers
 * of all packets of the login differ by one.
 */
import { lengthAt, SSL_BIT } from './client-mysql.js'

const HEADER_BYTES = 4
const OK = 0x00
const ERROR = 0xff

/** The state of one login. Both directions are rewritten in place, in any parts. */
export class MysqlLogin {
  /** The server has sent the result: the packets that follow have the numbers of commands. */
  isOver = false
  #hasLogin = false
  /** Bytes of the current packet that have not come. */
  #leftToServer = 0
  #leftToClient = 0

  /** Returns where the bytes end that are rewritten; those behind are an incomplete header. */
  toServer(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; ; ) {
      const skipped = Math.min(this.#leftToServer, end - at)
      this.#leftToServer -= skipped
      at += skipped
      if (this.isOver) return end
      // The capabilities are rewritten too.
      if (end - at < (this.#hasLogin ? HEADER_BYTES : HEADER_BYTES + 2)) return at
      shift(bytes, at, 1)
      if (!this.#hasLogin) bytes[at + HEADER_BYTES + 1] = (bytes[at + HEADER_BYTES + 1] as number) | SSL_BIT
      this.#hasLogin = true
      this.#leftToServer = HEADER_BYTES + lengthAt(bytes, at)
    }
  }

  /** The same for the bytes of the server. */
  toClient(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; ; ) {
      const skipped = Math.min(this.#leftToClient, end - at)
      this.#leftToClient -= skipped
      at += skipped
      if (this.isOver) return end
      if (end - at <= HEADER_BYTES) return at
      shift(bytes, at, -1)
      const type = bytes[at + HEADER_BYTES]
      const length = lengthAt(bytes, at)
      // Data of a method that begins so has a byte before it.
      this.isOver = length > 0 && (type === OK || type === ERROR)
      this.#leftToClient = HEADER_BYTES + length
    }
  }
}

function shift(bytes: Uint8Array, at: number, by: number): void {
  bytes[at + 3] = ((bytes[at + 3] as number) + by) & 0xff
}
