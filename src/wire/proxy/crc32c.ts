/** CRC-32C (Castagnoli; RFC 3720, B.4), the checksum of version 2 of the PROXY protocol. */

/** The polynomial 0x1EDC6F41 with its bits reversed. */
const POLYNOMIAL = 0x82f6_3b78

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0)
  return value
})

/** Of the bytes before `end`; the four bytes from `zeroAt` on, if not negative, count as zeros. */
export function crc32c(bytes: Uint8Array, end: number, zeroAt = -1): number {
  let crc = -1
  for (let i = 0; i < end; i++) {
    const byte = zeroAt >= 0 && i >= zeroAt && i < zeroAt + 4 ? 0 : (bytes[i] as number)
    crc = (TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
