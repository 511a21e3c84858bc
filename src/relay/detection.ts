/** How a listener detects the protocols of its clients. */
import type { KeyName } from '../wire/sniff/client-key.js'

/** What a listener needs of its clients' first bytes, to choose a remote. */
export interface Detection {
  /** The protocols to distinguish: `1 << PROTOCOL[name]` of each. */
  readonly protocols: number
  /** The keys for stickiness to read from the first bytes, at most one for each protocol. */
  readonly keys: readonly KeyName[]
  /** Time limit, counted from the accept on: then a protocol that needs more bytes does not match. @default 5000 */
  readonly timeoutMs: number
}
