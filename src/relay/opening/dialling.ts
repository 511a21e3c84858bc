import type { Pool } from '../../balance/pool.js'
import { SlotSet } from '../../balance/slot-set.js'

/** What a session knows while it looks for a remote: its attempts so far. */
export class Dialling {
  /** Where it looks. */
  pool: Pool
  /** Remotes that were tried in this round. */
  readonly tried = new SlotSet()
  deadlineMs = 0
  attemptStartedMs = 0
  addressesTried = 0
  /** An attempt at the chosen remote failed, and not for reasons of this machine. */
  hasRemoteFailed = false
  /** The last attempt failed because the relay is short of something. */
  isShort = false
  roundsLeft = 0
  /** The port that the client has come to; undefined until somebody asks. */
  clientPort: number | undefined = undefined
  /** Of the client's first bytes, those that left with the SYN of the attempt under way. */
  bytesInSyn = 0
  /** The last attempt did not even begin: this machine refused the socket that was asked for. */
  isRefusedHere = false
  /** Why the last attempt failed; words where there is more to say than an errno does. */
  lastErrno = 0
  lastReason = ''

  constructor(pool: Pool) {
    this.pool = pool
  }

  clear(): void {
    this.tried.clear()
    this.addressesTried = 0
    this.hasRemoteFailed = false
    this.isShort = false
    this.clientPort = undefined
    this.bytesInSyn = 0
    this.isRefusedHere = false
    this.lastErrno = 0
    this.lastReason = ''
  }
}

/**
 * Few sessions dial at a time, so these records are lent, and used again and again; a session that relays does without.
 */
export class Diallings {
  readonly #free: Dialling[] = []

  lend(pool: Pool): Dialling {
    const dialling = this.#free.pop() ?? new Dialling(pool)
    dialling.pool = pool
    return dialling
  }

  giveBack(dialling: Dialling): void {
    dialling.clear()
    this.#free.push(dialling)
  }
}
