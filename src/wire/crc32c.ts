/** CRC32c (RFC 3720, appendix B.4), the checksum of the PROXY protocol. */

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL
  return sum
})

/** The checksum of the first `byteCount` bytes. */
export function crc32c(bytes: Uint8Array, byteCount: number): number {
  let sum = 0xffff_ffff
  for (let i = 0; i < byteCount; i++)
    sum = (sum >>> 8) ^ (TABLE[(sum ^ (bytes[i] as number)) & 0xff] as number)
  return (sum ^ 0xffff_ffff) >>> 0
}
