import { invariant } from '../base/invariant.js'
import type { Fd, Outcome } from '../kernel/calls.js'
import { EAGAIN } from '../kernel/errno.js'
import { lastErrno } from '../kernel/native-errno.js'
import * as c from '../kernel/openssl-constants.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { type SslCalls, sslCalls } from '../kernel/openssl-ssl.js'
import type { Region } from '../kernel/region.js'
import { takeThrown } from './callbacks.js'
import { factsOf, type TlsFacts } from './channel-facts.js'
import { END, MORE, PROTOCOL_ERROR, TRUNCATED, WANT_READ, WANT_WRITE } from './outcomes.js'

/** Records that one call takes at most: a peer that sends tiny or empty ones gets its turns like everybody else. */
const RECORDS_PER_CALL = 32

/**
 * The least that OpenSSL asks the socket for when nothing is inside (its buffer holds one record of full size): a
 * receive that brought less has drained the socket.
 */
const FULL_RECEIVE_BYTES = 16_384

/** So much without any data is a flood; tickets and a change of keys take less. */
const IDLE_BYTES_MAX = 4_096

/** OpenSSL 3.2 brought another record layer. */
const NEW_RECORD_LAYER_MINOR = 2

/** Not a number of bytes that were received. */
const UNKNOWN = -1

/** What a channel tells the context that it was made from. */
export interface ChannelOwner {
  /** The identity that the last pre-shared key was looked up for, if it was for this handshake. */
  takePskIdentity(): string | undefined
  /** Why the handshake that has just failed was refused, if the context did so itself. */
  takeRefusal(): string | undefined
  /** The channel is freed. */
  leave(): void
}

/** Of this thread: a view of native memory for each channel would be one more thing to collect. */
let errno: Int32Array | undefined

let alive = 0

/** Channels of this thread that are not freed. */
export function channelsAlive(): number {
  return alive
}

/**
 * TLS on one non-blocking descriptor, which stays the caller's. A channel answers and never acts: what it wants
 * of the socket is an outcome, and the session asks the loop. Nothing blocks, throws or allocates in `read` and
 * `write`.
 */
export class TlsChannel {
  /**
   * After a read that brought bytes: whether reading again may bring more, or tell an end, without a word from
   * the loop. False means as much as a short read of a socket: it is drained.
   */
  mayHaveMore = false
  /** Off: a short receive does not mean that the socket is drained (Unix sockets, urgent data). */
  trustsShortReceive = true
  /** Records of data so far, for handing a connection over. Reads count right with 16 KiB of room each. */
  recordsRead = 0
  recordsWritten = 0
  readonly isServer: boolean
  readonly #owner: ChannelOwner
  readonly #calls: SslCalls = sslCalls()
  readonly #errno: Int32Array
  #ssl: bigint
  #bio: bigint
  #isReady = false
  #isWriteBlocked = false
  #hasSaidGoodbye = false
  /** What every further read answers, once the end or an error has shown. */
  #end: Outcome = 0
  /** What every further call answers, once the channel is broken. */
  #failure: Outcome = 0
  #reason = ''
  #pskIdentity: string | undefined
  /** What the socket had given when nothing was left inside the last time. */
  #receivedWhenEmpty = UNKNOWN
  /** What the socket had given with the last data, or the handshake. */
  #receivedWithData = 0
  #isReadingAhead = true
  #isEmpty = false

  /** `ssl` belongs to the channel, which frees it. */
  constructor(ssl: number, fd: Fd, isServer: boolean, owner: ChannelOwner) {
    this.#ssl = BigInt(ssl)
    this.#owner = owner
    errno ??= lastErrno()
    this.#errno = errno
    this.isServer = isServer
    invariant(this.#calls.setFd(this.#ssl, fd) === 1, 'a channel has a descriptor')
    if (isServer) this.#calls.setAcceptState(this.#ssl)
    else this.#calls.setConnectState(this.#ssl)
    this.#bio = BigInt(this.#calls.readBio(this.#ssl))
    alive += 1
  }

  /** The handshake is complete: data may be read and written. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** OpenSSL's own reason for PROTOCOL_ERROR; '' while nothing has gone wrong. */
  get reason(): string {
    return this.#reason
  }

  /** Decrypted bytes that wait inside (SSL_pending(3)). */
  get pendingBytes(): number {
    return this.#ssl === 0n ? 0 : this.#calls.pending(this.#ssl)
  }

  /** No record is half read or half written. */
  get isBetweenRecords(): boolean {
    return !this.#isWriteBlocked && (this.#ssl === 0n || this.#calls.hasPending(this.#ssl) === 0)
  }

  /** Why the peer's certificate was not believed; undefined: it was, or there was none. Also without `verify`. */
  get verifyError(): string | undefined {
    const code = this.#ssl === 0n ? c.X509_V_OK : this.#calls.verifyResult(this.#ssl)
    return code === c.X509_V_OK ? undefined : this.#calls.verifyErrorText(code)
  }

  /** What was agreed upon, or so far. Makes objects: for the log, not for every turn. Not after `free`. */
  facts(): TlsFacts {
    invariant(this.#ssl !== 0n, 'a freed channel knows no facts')
    return factsOf(this.#ssl, this.#isReady, this.#pskIdentity)
  }

  /**
   * Goes on with the handshake. 0: done; WANT_READ, WANT_WRITE or MORE: call again then; otherwise it has failed,
   * and the peer was told by an alert if it could be.
   */
  handshake(): Outcome {
    if (this.#failure !== 0) return this.#failure
    clearErrors() // others of this thread may have used OpenSSL since
    for (let steps = 0; steps < RECORDS_PER_CALL; steps++) {
      this.#errno[0] = 0
      const result = this.#calls.handshake(this.#ssl)
      this.#pskIdentity = this.#owner.takePskIdentity() ?? this.#pskIdentity
      if (result === 1) {
        clearErrors() // a handshake that worked may leave what did not work at first
        this.#isReady = true
        this.#receivedWithData = this.#calls.bytesReceived(this.#bio)
        return 0
      }
      const outcome = this.#explain(result)
      if (outcome !== MORE) return outcome === END ? this.#fail(TRUNCATED) : outcome
    }
    return MORE
  }

  /**
   * Up to `bytesMax` bytes of data: as many as there are, from several records. Then `mayHaveMore` says how to
   * go on. WANT_READ: the socket is drained; MORE: records without data came, go on in another turn; WANT_WRITE: an
   * answer to the peer has to leave first. END, TRUNCATED, an errno and PROTOCOL_ERROR are answered from then
   * on; after the first two, writing goes on to work.
   */
  read(into: Region, offset: number, bytesMax: number): Outcome {
    if (this.#end !== 0) return this.#end
    let total = 0
    let wasEmpty = this.#isEmpty
    this.mayHaveMore = true
    for (let records = 0; records < RECORDS_PER_CALL; records++) {
      this.#errno[0] = 0
      const got = this.#calls.read(this.#ssl, into.at(offset + total), bytesMax - total)
      if (got <= 0) {
        const outcome = this.#explain(got)
        if (outcome === MORE) {
          if (this.#isEnoughIdle()) break
          continue
        }
        if (outcome === WANT_READ) this.#noteDrained()
        return total > 0 ? total : outcome
      }
      total += got
      this.recordsRead += 1
      if (this.#holdsNothing(wasEmpty)) {
        this.mayHaveMore = false
        return total
      }
      if (total === bytesMax) return total
      // When nothing is inside, the next receive asks for a whole buffer again.
      wasEmpty ||= this.#isEmpty
    }
    return total > 0 ? total : MORE
  }

  /**
   * Writes all the bytes, or as many as the socket takes: fewer, or WANT_WRITE, means that it is full; WANT_READ that
   * the peer has begun a message of the handshake's kind and owes us the rest. The bytes that were not taken must come first in the next write, all of them, from wherever they are then. After an
   * error nothing of what was taken is sure to arrive.
   */
  write(from: Region, offset: number, byteCount: number): Outcome {
    if (this.#failure !== 0) return this.#failure
    let total = 0
    while (total < byteCount) {
      this.#errno[0] = 0
      const took = this.#calls.write(this.#ssl, from.at(offset + total), byteCount - total)
      if (took > 0) {
        total += took
        this.recordsWritten += 1
        continue
      }
      const outcome = this.#explain(took)
      if (outcome !== WANT_WRITE && outcome !== WANT_READ && outcome !== MORE) return outcome
      this.#isWriteBlocked = true
      if (total > 0) return total
      return outcome === WANT_READ ? WANT_READ : WANT_WRITE
    }
    this.#isWriteBlocked = false
    return total
  }

  /**
   * Says close_notify, after the last byte was taken: 0, or WANT_WRITE, or WANT_READ as for a write. The peer may go
   * on sending, and `read` receives it. Writing is over.
   */
  closeNotify(): Outcome {
    if (this.#failure !== 0) return this.#failure
    if (this.#hasSaidGoodbye || !this.#isReady) return 0
    if (this.#isWriteBlocked) return WANT_WRITE
    // In the middle of a message of the peer's OpenSSL would take it for a failed handshake.
    if (this.#end === 0 && this.#calls.isInitFinished(this.#ssl) === 0) return WANT_READ
    this.#errno[0] = 0
    const result = this.#calls.shutdown(this.#ssl)
    if (result < 0) {
      const outcome = this.#explain(result)
      return outcome === WANT_READ || outcome === MORE ? WANT_WRITE : outcome
    }
    this.#hasSaidGoodbye = true
    return 0
  }

  /** Lets go of everything without a word to the peer. The descriptor stays open. */
  free(): void {
    if (this.#ssl === 0n) return
    // Without this OpenSSL takes a connection that ended otherwise for broken, and never resumes its session.
    if (!this.isServer && this.#isReady && this.#failure === 0) {
      this.#calls.setShutdown(this.#ssl, c.SSL_SENT_SHUTDOWN | c.SSL_RECEIVED_SHUTDOWN)
    }
    this.#calls.free(this.#ssl)
    this.#ssl = 0n
    this.#bio = 0n
    this.#end = this.#fail(PROTOCOL_ERROR)
    alive -= 1
    this.#owner.leave()
  }

  /**
   * After a record: whether nothing is left, neither inside nor in the socket. What comes later is announced by
   * the loop, so one receive that brought less than was asked for is proof; it saves a read that finds nothing.
   */
  #holdsNothing(wasEmpty: boolean): boolean {
    this.#isEmpty = this.#calls.hasPending(this.#ssl) === 0
    if (!this.#isEmpty) return false
    const received = this.#calls.bytesReceived(this.#bio)
    const brought = received - this.#receivedWhenEmpty
    this.#receivedWhenEmpty = received
    this.#receivedWithData = received
    return wasEmpty && brought < FULL_RECEIVE_BYTES && this.trustsShortReceive && this.#isReadingAhead
  }

  /**
   * After records without data: whether they have had their turn. Of what was read ahead OpenSSL 3.0 takes all of them
   * in one go: 600 changes of keys in a buffer are 14 ms. Who sends such a flood is read from record by record. OpenSSL
   * 3.5 would mix up the bytes that were read ahead when that is switched off between two keys. It comes back after each
   * change of keys by itself, but takes all tickets in a buffer, some 200: that is one turn.
   */
  #isEnoughIdle(): boolean {
    if (!this.#isReadingAhead) return false
    if (this.#calls.bytesReceived(this.#bio) - this.#receivedWithData < IDLE_BYTES_MAX) return false
    if (this.#calls.minorVersion >= NEW_RECORD_LAYER_MINOR) return true
    this.#isReadingAhead = false
    this.#calls.control(this.#ssl, c.SSL_CTRL_SET_READ_AHEAD, 0, 0)
    return false
  }

  /** The socket said EAGAIN; half a record may be inside. */
  #noteDrained(): void {
    this.mayHaveMore = false
    this.#isEmpty = this.#calls.bytesReceived(this.#bio) === this.#receivedWhenEmpty
  }

  /** Why a call did not work. Must be asked right after it: errno and the error queue are the thread's. */
  #explain(result: number): Outcome {
    const cause = this.#errno[0] as number
    let error = this.#calls.errorOf(this.#ssl, result)
    let reason = ''
    if (error === c.SSL_ERROR_SSL) {
      reason = takeReason()
      // A broken object is never ready again: if it is, the error may be somebody else's.
      if (this.#calls.isInitFinished(this.#ssl) === 1) error = this.#calls.errorOf(this.#ssl, result)
    }
    switch (error) {
      case c.SSL_ERROR_WANT_READ:
        return cause === EAGAIN ? WANT_READ : MORE
      case c.SSL_ERROR_WANT_WRITE:
        return WANT_WRITE
      case c.SSL_ERROR_ZERO_RETURN:
        this.#end = this.#calls.bioControl(this.#bio, c.BIO_CTRL_EOF, 0, 0) === 1 ? TRUNCATED : END
        return this.#end
      case c.SSL_ERROR_SYSCALL:
        if (cause !== 0) return this.#fail(-cause)
        if (reason === '') return this.#fail(TRUNCATED)
    }
    this.#reason = this.#completed(reason)
    return this.#fail(PROTOCOL_ERROR)
  }

  #completed(reason: string): string {
    const thrown = takeThrown()
    const refusal = this.#owner.takeRefusal()
    if (refusal !== undefined) return refusal
    if (thrown !== undefined) return `${reason} (a callback failed: ${String(thrown)})`
    const verifyError = this.verifyError
    return reason === 'certificate verify failed' && verifyError ? `${reason} (${verifyError})` : reason
  }

  #fail(outcome: Outcome): Outcome {
    this.#failure = outcome
    if (this.#end === 0) this.#end = outcome
    return outcome
  }
}
