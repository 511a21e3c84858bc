/** A datagram socket connected to one server. `send` opens it when necessary, also after `close`. */
export interface DatagramSocket {
  /** Sends the datagram soon. A datagram that is still queued is not queued twice. */
  send(datagram: Uint8Array): void
  /** Removes the datagram from the queue, if it was not sent yet. */
  forget(datagram: Uint8Array): void
  /** Drops queued datagrams; settles when the socket is closed. */
  close(): Promise<void>
}

/** Events of a socket. Never called from within `send`, `forget` or `close`. */
export interface DatagramSocketEvents {
  /** A datagram from the server; those of other senders are dropped. */
  onDatagram(bytes: Uint8Array): void
  /** The server cannot be reached; `why` is in lower case. Queued datagrams were dropped. */
  onError(why: string): void
  /** Whether an answer of the server is still expected. */
  isAnswerPending(): boolean
}
