import type { ByteString } from '../base/byte-string.js'
import type { Blowfish } from './blowfish.js'
import { decodeLines, encodeLines, type Values } from './mavis-lines.js'

/** With its NUL, the longest text in whole blocks that mavisd receives: its buffer has 64,999 bytes. */
const TEXT_BYTES_MAX = 64_991

/**
 * Values as one datagram between mavisd and who asks it: their lines and no more, or, with a key, the lines and a NUL,
 * encrypted. Undefined: too long for mavisd, or a value has a NUL in it, where mavisd would stop reading.
 */
export function encodeDatagram(values: Values, cipher: Blowfish | undefined): Uint8Array | undefined {
  const lines = encodeLines(values)
  if (lines.length > TEXT_BYTES_MAX || lines.includes('\0')) return undefined
  return cipher === undefined ? bytesOf(lines) : cipher.encrypt(bytesOf(`${lines}\0`))
}

/** The values in a datagram, up to a NUL; what follows that is padding. Undefined: it is none. */
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
