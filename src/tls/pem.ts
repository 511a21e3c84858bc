/** Parser of PEM files (RFC 7468). */

/** One block, from the first dash of BEGIN to the last of END. */
export interface PemBlock {
  /** `CERTIFICATE`, `ENCRYPTED PRIVATE KEY`, … */
  readonly label: string
  /** A view of the file, so that keys are not copied. */
  readonly bytes: Uint8Array
}

const BEGIN = ascii('-----BEGIN ')
const END = ascii('-----END ')
const DASHES = ascii('-----')
/** The longest label in use is less than half as long; the limit keeps a scan of arbitrary bytes short. */
const LABEL_BYTES_MAX = 64

/** The blocks of a file, in order. Unterminated blocks and those with a malformed label are skipped. */
export function pemBlocks(file: Uint8Array): readonly PemBlock[] {
  const blocks: PemBlock[] = []
  let at = indexOf(file, BEGIN, 0)
  while (at >= 0) {
    const label = labelAt(file, at + BEGIN.length)
    const end = label === undefined ? -1 : endOf(file, at, label)
    if (label !== undefined && end > 0) blocks.push({ label, bytes: file.subarray(at, end) })
    // After a bad block, continue behind its BEGIN: the next block may start inside of it.
    at = indexOf(file, BEGIN, end > 0 ? end : at + 1)
  }
  return blocks
}

/** A file without any BEGIN is treated as DER. */
export function isPem(file: Uint8Array): boolean {
  return indexOf(file, BEGIN, 0) >= 0
}

/** Whether a key is encrypted: PKCS#8 by its label, a traditional key by its Proc-Type header (RFC 1421). */
export function isEncrypted({ label, bytes }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || indexOf(bytes, ascii('4,ENCRYPTED'), 0) >= 0
}

/** The label that starts at `start`; undefined if it does not end with dashes nearby or is not printable. */
function labelAt(file: Uint8Array, start: number): string | undefined {
  const end = indexOf(file.subarray(0, start + LABEL_BYTES_MAX), DASHES, start)
  if (end < 0) return undefined
  const label = String.fromCharCode(...file.subarray(start, end))
  return /^[\x20-\x7e]+$/.test(label) ? label : undefined
}

/** The offset after the END line with the same label; -1 if there is none. */
function endOf(file: Uint8Array, from: number, label: string): number {
  const mark = Uint8Array.of(...END, ...ascii(label), ...DASHES)
  const at = indexOf(file, mark, from)
  return at < 0 ? -1 : at + mark.length
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** The first occurrence at or after `from`, or -1. */
function indexOf(file: Uint8Array, wanted: Uint8Array, from: number): number {
  const [first = 0] = wanted
  for (let at = file.indexOf(first, from); at >= 0; at = file.indexOf(first, at + 1)) {
    let length = 1
    while (length < wanted.length && file[at + length] === wanted[length]) length++
    if (length === wanted.length) return at
  }
  return -1
}
