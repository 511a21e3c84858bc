/**
 * Text of which each character is one byte, 0 to 255: for protocols that define no character set. Bytes pass through
 * unchanged, whether they are UTF-8 or not.
 */
export type ByteString = string

export function byteString(text: string): ByteString {
  let bytes = ''
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte)
  return bytes
}

/** Decodes UTF-8 for display; invalid bytes become U+FFFD. */
export function readableText(bytes: ByteString): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)))
}
