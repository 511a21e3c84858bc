/** Addresses of generated clients: those of 10.0.0.0/8. */

export const GENERATED_CLIENTS_MAX = 2 ** 24

/** An odd factor visits all of them, without neighbours next to each other in popularity. */
const FACTOR = 0x9e_37_b1

/** `rank`: of the client's popularity, from 0. */
export function writeGeneratedAddress(bytes: Uint8Array, rank: number): void {
  const host = Math.imul(rank + 1, FACTOR) & (GENERATED_CLIENTS_MAX - 1)
  bytes[0] = 10
  bytes[1] = host >>> 16
  bytes[2] = host >>> 8
  bytes[3] = host
}
