/** A real ClientHello, as the TLS of Node sends it. */
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'

/** Nothing is connected: the bytes are those of the first write. */
export function clientHello(options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(bytes, _encoding, written) {
        resolve(Buffer.from(bytes))
        written()
      },
    })
    const socket = connect({ ...options, socket: wire })
    socket.on('error', () => {})
    wire.once('finish', () => socket.destroy())
  })
}
