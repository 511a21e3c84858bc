/** State of the phase `dialling`. */
import { NONE } from '../../balance/policy.js'
import type { Pool } from '../../balance/pool.js'
import { SlotSet } from '../../balance/slot-set.js'
import { AttemptList } from '../../observe/attempt-list.js'
import type { RelayPool } from '../relay-pools.js'
import type { Session } from '../session.js'
import { ParallelAttempts } from './parallel-attempts.js'

/** The state of a session that is connecting to a remote: its attempts so far. */
export class Dialling {
  service: RelayPool
  /** The pool to choose from. */
  pool: Pool
  /** Remotes tried in this round. */
  readonly tried = new SlotSet()
  /** There are any. */
  hasTried = false
  /** The client's first bytes have been received. */
  hasReadClient = false
  /** While the session waits in the queue: itself, and its neighbours there. */
  waiting: Session | undefined = undefined
  next: Dialling | undefined = undefined
  previous: Dialling | undefined = undefined
  queuedAtMs = 0
  deadlineMs = 0
  /** Remotes chosen so far, in all rounds. */
  choices = 0
  /** The hash that the pool's policy chooses by; 0: it does not hash. */
  key = 0
  /** Attempts that have gone out, in all rounds. */
  attempts = 0
  attemptStartedMs = 0
  /** Indices of the addresses of the chosen remote, in the order of attempts. */
  order: readonly number[] = []
  addressesTried = 0
  /** Of the current attempt. */
  addressIndex = 0
  /** When the current attempt has failed, unless it is connected and its TLS handshake complete. */
  attemptDeadlineMs = 0
  /** When the next address is tried beside the current attempt, and when another remote; Infinity: never. */
  nextAddressMs = Number.POSITIVE_INFINITY
  hedgeAtMs = Number.POSITIVE_INFINITY
  /** The remote that was dialled beside a slow one; NONE: none. */
  hedgeSlot = NONE
  /** Attempts in flight beside the current one. */
  readonly parallel = new ParallelAttempts()
  /** An attempt at the chosen remote failed, and not because of this machine. */
  hasRemoteFailed = false
  /** The last attempt failed for lack of descriptors or memory. */
  isShort = false
  roundsLeft = 0
  /** The local port of the client's connection; undefined until it is needed. */
  clientPort: number | undefined = undefined
  /** How many of the client's first bytes were sent with the SYN of the current attempt. */
  bytesInSyn = 0
  /** How much of the PROXY header the socket of the current attempt has taken. */
  headerBytesSent = 0
  /** It has taken all of it. */
  isHeaderSent = false
  /** The current attempt is connected. */
  isConnected = false
  /** The step of the opening of STARTTLS, and how much of its request the socket has taken. */
  openingStep = 0
  requestBytesSent = 0
  /** The length of the greeting, which precedes the answer of the current step in the block. */
  greetingBytes = 0
  /** The client has got the greeting of the current remote: there is no other one for it. */
  isCommitted = false
  /** The opening waits for bytes of the client. */
  awaitsClient = false
  /** What the opening awaits, for log lines; '' outside of it. */
  awaited = ''
  /** TLS is complete, if there is any, and the greeting is being read to be dropped. */
  awaitsGreeting = false
  /** Why the current attempt fails, where there is more to say than an errno. */
  reason = ''
  /** The last attempt did not start: this machine refused the socket or its options. */
  isRefusedHere = false
  /** Why the last attempt failed: an errno, and text where there is more to say. */
  lastErrno = 0
  lastReason = ''
  /** For the access log. */
  readonly failedAttempts = new AttemptList()

  constructor(service: RelayPool) {
    this.service = service
    this.pool = service.pool
  }

  /** Nothing has been sent on the socket of the next attempt. */
  beginAttempt(): void {
    this.bytesInSyn = 0
    this.headerBytesSent = 0
    this.isHeaderSent = false
    this.isConnected = false
    this.openingStep = 0
    this.requestBytesSent = 0
    this.greetingBytes = 0
    this.isCommitted = false
    this.awaitsClient = false
    this.awaited = ''
    this.awaitsGreeting = false
    this.reason = ''
  }

  clear(): void {
    this.tried.clear()
    this.hasTried = false
    this.hasReadClient = false
    this.queuedAtMs = 0
    this.choices = 0
    this.attempts = 0
    this.addressesTried = 0
    this.hasRemoteFailed = false
    this.hedgeSlot = NONE
    this.isShort = false
    this.clientPort = undefined
    this.beginAttempt()
    this.isRefusedHere = false
    this.lastErrno = 0
    this.lastReason = ''
    this.failedAttempts.clear()
  }
}

/** The records of one reactor. Few sessions dial at a time, so they are lent for that phase and reused. */
export class Diallings {
  readonly #free: Dialling[] = []

  lend(service: RelayPool): Dialling {
    const dialling = this.#free.pop() ?? new Dialling(service)
    dialling.service = service
    dialling.pool = service.pool
    return dialling
  }

  giveBack(dialling: Dialling): void {
    dialling.clear()
    this.#free.push(dialling)
  }
}
