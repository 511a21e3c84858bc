/** The datagrams of mavisd. */
import type { ByteString } from '../base/byte-string.js'
import type { Blowfish } from './blowfish.js'
import { decodeLines, encodeLines, type Values } from './mavis-lines.js'

/** The longest text that, with a NUL and padded to Blowfish blocks, fits into mavisd's buffer of 64,999 bytes. */
const TEXT_BYTES_MAX = 64_991

/**
 * Encodes values: their lines or, with a key, the lines and a NUL, encrypted. Undefined when that is too long for mavisd,
 * or when a value contains NUL, where mavisd would stop reading.
 */
export function encodeDatagram(values: Values, cipher: Blowfish | undefined): Uint8Array | undefined {
  const lines = encodeLines(values)
  if (lines.length > TEXT_BYTES_MAX || lines.includes('\0')) return undefined
  return cipher === undefined ? bytesOf(lines) : cipher.encrypt(bytesOf(`${lines}\0`))
}

/** The values in a datagram; bytes from the first NUL on are padding. Undefined when it is malformed. */
export function decodeDatagram(
  bytes: Uint8Array,
  cipher: Blowfish | undefined,
): (ByteString | undefined)[] | undefined {
  const plain = cipher === undefined ? bytes : cipher.decrypt(bytes)
  const end = plain.indexOf(0)
  return decodeLines(textOf(end < 0 ? plain : plain.subarray(0, end)))
}

function bytesOf(text: ByteString): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function textOf(bytes: Uint8Array): ByteString {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
