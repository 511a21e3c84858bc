/**
 * A TLS connection. Start reading this folder here: channels are created by `server-context.ts` and
 * `client-context.ts` from the options in `options.ts`; `callbacks.ts` dispatches what OpenSSL calls back.
 */
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

/** Records per call, so that a peer that sends tiny or empty records cannot monopolise a turn. */
const RECORDS_PER_CALL = 32

/**
 * With an empty buffer OpenSSL requests at least this much from the socket (a record of full size): a receive that
 * returned less has drained the socket.
 */
const FULL_RECEIVE_BYTES = 16_384

/** More bytes than this without application data are a flood; session tickets and a key update take less. */
const IDLE_BYTES_MAX = 4_096

/** OpenSSL 3.2 introduced a new record layer. */
const NEW_RECORD_LAYER_MINOR = 2

/** No count of received bytes. */
const UNKNOWN = -1

/** The context of a channel. */
export interface ChannelOwner {
  /** The identity of the last pre-shared key looked up during this handshake. */
  takePskIdentity(): string | undefined
  /** The reason if the context itself rejected the handshake that just failed. */
  takeRefusal(): string | undefined
  channelFreed(): void
}

/** One view per thread: one per channel would be garbage to collect. */
let errno: Int32Array | undefined

let alive = 0

/** Number of channels of this thread that were not freed. */
export function channelsAlive(): number {
  return alive
}

/**
 * TLS on one non-blocking descriptor, which the caller owns. A channel is passive: it returns what it waits for as an
 * outcome (outcomes.ts), and the session re-arms the poller. `read` and `write` neither block, throw nor allocate.
 */
export class TlsChannel {
  /**
   * After a read that returned bytes: whether another read may return more, or the end, without a new event of the
   * poller. False is equivalent to a short read of a socket: it is drained.
   */
  mayHaveMore = false
  /** False if a short receive does not imply that the socket is drained (Unix sockets, urgent data). */
  trustsShortReceive = true
  /**
   * Data records so far, needed to hand over a connection. Reads are only counted correctly with 16 KiB of room each.
   */
  recordsRead = 0
  recordsWritten = 0
  readonly isServer: boolean
  readonly #owner: ChannelOwner
  readonly #calls: SslCalls = sslCalls()
  readonly #errno: Int32Array
  #ssl: bigint
  #bio: bigint
  #isReady = false
  /**
   * OpenSSL holds a record that the socket has not taken completely: the next write must repeat its bytes.
   */
  #isWriteBlocked = false
  #hasSentCloseNotify = false
  /** The result of every further read, after the end or an error. */
  #end: Outcome = 0
  /** The result of every further call, after an error. */
  #failure: Outcome = 0
  #reason = ''
  #pskIdentity: string | undefined
  /** Bytes received from the socket when OpenSSL's buffer was last empty. */
  #receivedWhenEmpty = UNKNOWN
  /** Bytes received from the socket at the last application data, or at the end of the handshake. */
  #receivedWithData = 0
  /** Cleared for good by a flood of records without data. */
  #isReadingAhead = true
  /** Whether OpenSSL's buffer was empty after the last read. */
  #isEmpty = false

  /** Takes ownership of `ssl`. */
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

  /** Whether the handshake is complete. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** OpenSSL's reason after PROTOCOL_ERROR, otherwise ''. */
  get reason(): string {
    return this.#reason
  }

  /** Decrypted, unread bytes (SSL_pending(3)). */
  get pendingBytes(): number {
    return this.#ssl === 0n ? 0 : this.#calls.pending(this.#ssl)
  }

  /** Whether no record is partially read or written. */
  get isBetweenRecords(): boolean {
    return !this.#isWriteBlocked && (this.#ssl === 0n || this.#calls.hasPending(this.#ssl) === 0)
  }

  /**
   * Why verification of the peer's certificate failed, also without `verify`; undefined if it succeeded or was not
   * sent.
   */
  get verifyError(): string | undefined {
    const code = this.#ssl === 0n ? c.X509_V_OK : this.#calls.verifyResult(this.#ssl)
    return code === c.X509_V_OK ? undefined : this.#calls.verifyErrorText(code)
  }

  /** The negotiated parameters, so far. Allocates, so not for the data path. Not after `free`. */
  facts(): TlsFacts {
    invariant(this.#ssl !== 0n, 'facts of a freed channel')
    return factsOf(this.#ssl, this.#isReady, this.#pskIdentity)
  }

  /**
   * Continues the handshake. 0: complete; WANT_READ, WANT_WRITE, MORE: call again; otherwise it failed, and an alert
   * was sent to the peer if the socket had room.
   */
  handshake(): Outcome {
    if (this.#failure !== 0) return this.#failure
    clearErrors() // other users of OpenSSL on this thread may have left errors
    for (let steps = 0; steps < RECORDS_PER_CALL; steps++) {
      this.#errno[0] = 0
      const result = this.#calls.handshake(this.#ssl)
      this.#pskIdentity = this.#owner.takePskIdentity() ?? this.#pskIdentity
      if (result === 1) {
        clearErrors() // a successful handshake may leave errors of failed attempts
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
   * Reads up to `bytesMax` bytes, from several records if available, and sets `mayHaveMore`. WANT_READ: the socket is
   * drained; MORE: only records without data arrived, continue in another turn; WANT_WRITE: a reply to the peer must
   * be sent first. END, TRUNCATED, an errno and PROTOCOL_ERROR are final; after the first two, writing is still
   * possible.
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
          if (this.#mustYield()) break
          continue
        }
        if (outcome === WANT_READ) this.#markDrained()
        return total > 0 ? total : outcome
      }
      total += got
      this.recordsRead += 1
      if (this.#isDrained(wasEmpty)) {
        this.mayHaveMore = false
        return total
      }
      if (total === bytesMax) return total
      // With an empty buffer, the next receive requests a whole buffer again.
      wasEmpty ||= this.#isEmpty
    }
    return total > 0 ? total : MORE
  }

  /**
   * Writes as many bytes as the socket accepts. Fewer, or WANT_WRITE: the socket is full; WANT_READ: the peer sent
   * only a part of a post-handshake message, and its rest must arrive first. The next write must start with all bytes
   * that were not taken, at any address. After an error, bytes that were taken may not arrive.
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
   * Sends close_notify, after the last byte was taken: 0, or WANT_WRITE, or WANT_READ as for a write. No write may
   * follow. The peer may continue to send, and `read` to receive.
   */
  closeNotify(): Outcome {
    if (this.#failure !== 0) return this.#failure
    if (this.#hasSentCloseNotify || !this.#isReady) return 0
    if (this.#isWriteBlocked) return WANT_WRITE
    // Amid a post-handshake message, OpenSSL would treat the shutdown as a failed handshake.
    if (this.#end === 0 && this.#calls.isInitFinished(this.#ssl) === 0) return WANT_READ
    this.#errno[0] = 0
    const result = this.#calls.shutdown(this.#ssl)
    if (result < 0) {
      const outcome = this.#explain(result)
      return outcome === WANT_READ || outcome === MORE ? WANT_WRITE : outcome
    }
    this.#hasSentCloseNotify = true
    return 0
  }

  /** Frees all memory without sending anything. The descriptor remains open. */
  free(): void {
    if (this.#ssl === 0n) return
    // OpenSSL does not resume the session of a connection that was not shut down: mark it as shut down.
    if (!this.isServer && this.#isReady && this.#failure === 0) {
      this.#calls.setShutdown(this.#ssl, c.SSL_SENT_SHUTDOWN | c.SSL_RECEIVED_SHUTDOWN)
    }
    this.#calls.free(this.#ssl)
    this.#ssl = 0n
    this.#bio = 0n
    this.#end = this.#fail(PROTOCOL_ERROR)
    alive -= 1
    this.#owner.channelFreed()
  }

  /**
   * After a record: whether nothing is left, neither in OpenSSL's buffer nor in the socket. A receive that returned
   * less than requested proves it, because the poller reports later bytes; this saves a read that would return
   * EAGAIN.
   */
  #isDrained(wasEmpty: boolean): boolean {
    this.#isEmpty = this.#calls.hasPending(this.#ssl) === 0
    if (!this.#isEmpty) return false
    const received = this.#calls.bytesReceived(this.#bio)
    const brought = received - this.#receivedWhenEmpty
    this.#receivedWhenEmpty = received
    this.#receivedWithData = received
    return wasEmpty && brought < FULL_RECEIVE_BYTES && this.trustsShortReceive && this.#isReadingAhead
  }

  /**
   * After records without data: whether to yield to other sessions. OpenSSL 3.0 processes all buffered records
   * without data in one call: 600 key updates in a buffer take 14 ms. So read-ahead is disabled during a flood, and
   * records are read one by one. OpenSSL 3.5 corrupts buffered bytes if read-ahead is disabled between two
   * keys; it returns after each key update by itself, but processes all tickets in a buffer, some 200, in one call:
   * that counts as a turn.
   */
  #mustYield(): boolean {
    if (!this.#isReadingAhead) return false
    if (this.#calls.bytesReceived(this.#bio) - this.#receivedWithData < IDLE_BYTES_MAX) return false
    if (this.#calls.minorVersion >= NEW_RECORD_LAYER_MINOR) return true
    this.#isReadingAhead = false
    this.#calls.control(this.#ssl, c.SSL_CTRL_SET_READ_AHEAD, 0, 0)
    return false
  }

  /** After EAGAIN of the socket; the buffer may contain a part of a record. */
  #markDrained(): void {
    this.mayHaveMore = false
    this.#isEmpty = this.#calls.bytesReceived(this.#bio) === this.#receivedWhenEmpty
  }

  /** The cause of a failed call. Must be called directly after it: errno and the error queue belong to the thread. */
  #explain(result: number): Outcome {
    const cause = this.#errno[0] as number
    let error = this.#calls.errorOf(this.#ssl, result)
    let reason = ''
    if (error === c.SSL_ERROR_SSL) {
      reason = takeReason()
      // After a fatal error SSL_is_init_finished is 0; if it is 1, another user of OpenSSL left the error: ask again.
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
