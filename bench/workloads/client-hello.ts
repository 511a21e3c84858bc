/** A ClientHello of the size that browsers send, for load without the cost of TLS. */

/** Browsers pad theirs to this (RFC 7685). */
const HELLO_BYTES = 512
const HANDSHAKE = 0x16
const CLIENT_HELLO = 0x01
const TLS_1_2 = Buffer.of(3, 3)

const EXTENSION = { serverName: 0, padding: 21, supportedVersions: 43 }

/** With its length before it, in `lengthBytes` bytes. */
function counted(lengthBytes: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(body.length, 0, lengthBytes)
  return Buffer.concat([length, body])
}

function extension(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.of(0, kind), counted(2, ...parts)])
}

/** One TLS record (RFC 8446, 4.1.2) that offers TLS 1.3 to this server. */
export function clientHello(serverName: string): Buffer {
  const name = counted(2, Buffer.of(0), counted(2, Buffer.from(serverName)))
  const random = Buffer.alloc(32, 7)
  const suites = counted(2, Buffer.of(0x13, 0x01, 0x13, 0x02))
  const fixed = [TLS_1_2, random, counted(1, random), suites, counted(1, Buffer.of(0))]
  const extensions = [
    extension(EXTENSION.serverName, name),
    extension(EXTENSION.supportedVersions, counted(1, Buffer.of(3, 4))),
  ]
  // Before the padding's bytes: the message's head, the length of the extensions, and the head of the padding.
  const paddedBytes = HELLO_BYTES - Buffer.concat([...fixed, ...extensions]).length - 4 - 2 - 4
  const padding = extension(EXTENSION.padding, Buffer.alloc(Math.max(0, paddedBytes)))
  const message = counted(3, ...fixed, counted(2, ...extensions, padding))
  return Buffer.concat([Buffer.of(HANDSHAKE, 3, 1), counted(2, Buffer.of(CLIENT_HELLO), message)])
}
