/** A socket to one server. Opened when there is something to be sent, and anew after `close`. */
export interface DatagramSocket {
  /** Sends it soon. One that waits to be sent is not sent twice. */
  send(datagram: Uint8Array): void
  /** It need not be sent any more. */
  forget(datagram: Uint8Array): void
  /** Settles when the socket is closed. What waits to be sent is dropped. */
  close(): Promise<void>
}

/** Who hears of a link. Never called from within `send`, `forget` or `close`. */
export interface DatagramSocketEvents {
  /** From the server, and nobody else. */
  onDatagram(bytes: Uint8Array): void
  /** Nobody listens there, or the way to it is closed; `why` in lower case. What waited to be sent is dropped. */
  onError(why: string): void
  /** Is an answer still waited for? */
  isAnswerPending(): boolean
}
