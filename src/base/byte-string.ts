/**
 * Text whose characters are bytes, 0 to 255: what a protocol brings that does not say which characters it means. UTF-8
 * in it stays UTF-8, and whatever else there is comes out as it went in.
 */
export type ByteString = string

export function byteString(text: string): ByteString {
  let bytes = ''
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte)
  return bytes
}

/** For people: read as UTF-8; bytes that are none are shown as U+FFFD. */
export function readableText(bytes: ByteString): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)))
}
