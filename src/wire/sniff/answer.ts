/** The answers of a sniffer, which checks the first bytes of a client for one protocol. */

/** These bytes, and whatever follows them, are not this protocol. */
export const NO = 0
/** These bytes may still become this protocol: a longer peek decides. */
export const MORE = 1
/** These bytes, and whatever follows them, are this protocol. */
export const YES = 2

export type Answer = typeof NO | typeof MORE | typeof YES

/**
 * Looks at `byteCount` bytes from `from` on, reads no others, allocates nothing and never throws. An answer other than
 * MORE is final. MORE is never the answer to as many bytes as the BYTES_MAX of the protocol, so a client cannot keep
 * the relay waiting by sending.
 */
export type Sniff = (bytes: Uint8Array, from: number, byteCount: number) => Answer
