/** The poller on select(2), for `IO_POLL_MECHANISM = 16`. */
import { SELECT_DESCRIPTORS } from '../base/poll-mechanism.js'
import type { Fd, Outcome } from '../kernel/calls.js'
import { EBADF, EINTR, EMFILE } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { mapPrivate } from '../kernel/memory.js'
import { lastErrno } from '../kernel/native-errno.js'
import {
  type Interest,
  type Poller,
  READABLE,
  type ReadyList,
  URGENT,
  type WatchMode,
  type WatchToken,
  WRITABLE,
} from './poller.js'
import { Timespec, wholeMs } from './wait-time.js'
import { ENTRY_WORDS, INVALID, WatchTable } from './watch-table.js'

const SET_BYTES = SELECT_DESCRIPTORS / 8
const SET_WORDS = SET_BYTES / 4
/** Where the sets begin in an array of all three, in words; the read set is the first. */
const WRITE_SET = SET_WORDS
const EXCEPT_SET = 2 * SET_WORDS

/**
 * select(2) reports neither error nor end of a stream that is not in its read set, so such streams are checked with
 * poll(2) at this interval. It only delays the end of sessions with paused reads.
 */
const CHECK_EVERY_MS = 250

const FOREVER = 0n

type Pselect = (
  count: number,
  read: bigint,
  write: bigint,
  except: bigint,
  time: bigint,
  mask: number,
) => number

/**
 * select(2): three bit sets per call, and no descriptor from FD_SETSIZE on. It does not distinguish bytes from end or
 * error, so the streams that it reports are polled once more with a poll(2) that does not wait.
 */
export class SelectPoller implements Poller {
  readonly name = 'select'
  readonly #pselect = nativeFunction<Pselect>(
    'int pselect(int count, uintptr_t read, uintptr_t write, uintptr_t except, uintptr_t time, uintptr_t mask)',
  )
  readonly #poll = nativeFunction<(entries: bigint, count: number, timeoutMs: number) => number>(
    'int poll(uintptr_t entries, uint64_t count, int timeout)',
  )
  readonly #errno = lastErrno()
  readonly #table = new WatchTable()
  readonly #time = new Timespec()
  /** The read, write and except sets, one after the other: as requested, and as select returns them. */
  readonly #wanted = new Int32Array(3 * SET_WORDS)
  readonly #found: Int32Array
  readonly #pointers: readonly [read: bigint, write: bigint, except: bigint]
  /** The entries for the next poll(2), and the index of each in the table. */
  readonly #entries: Int32Array
  readonly #entriesPointer: bigint
  readonly #places = new Int32Array(SELECT_DESCRIPTORS)
  #entryCount = 0
  /** 1 by descriptor: a stream outside of the read set, whose end and errors select does not report. */
  readonly #isUnread = new Uint8Array(SELECT_DESCRIPTORS)
  #unreadCount = 0
  #checkAtMs = 0
  /** The descriptor at which the next scan starts: the first one that the list had no room for. */
  #firstFd = 0

  constructor() {
    const sets = mapPrivate(3 * SET_BYTES)
    this.#found = new Int32Array(sets.bytes.buffer, sets.bytes.byteOffset, 3 * SET_WORDS)
    const pointerOf = (at: number) => sets.part(at * SET_BYTES, SET_BYTES).pointer
    this.#pointers = [pointerOf(0), pointerOf(1), pointerOf(2)]
    const entries = mapPrivate(SELECT_DESCRIPTORS * ENTRY_WORDS * 4)
    this.#entries = new Int32Array(entries.bytes.buffer, 0, SELECT_DESCRIPTORS * ENTRY_WORDS)
    this.#entriesPointer = entries.pointer
  }

  add(fd: Fd, token: WatchToken, mode: WatchMode): Outcome {
    const outcome = this.#table.add(fd, token, mode)
    if (outcome === 0 && fd >= SELECT_DESCRIPTORS) {
      // Too many descriptors are open for select(2), hence the errno of such a shortage.
      this.#table.remove(fd)
      return -EMFILE
    }
    this.#update(fd)
    return outcome
  }

  again(fd: Fd, _token: WatchToken, interest: Interest): void {
    this.#table.again(fd, interest)
    this.#update(fd)
  }

  pauseReads(fd: Fd): void {
    this.#table.pauseReads(fd)
    this.#update(fd)
  }

  remove(fd: Fd): Outcome {
    const outcome = this.#table.remove(fd)
    this.#update(fd)
    return outcome
  }

  forget(fd: Fd, token: WatchToken): void {
    this.#table.forget(fd, token)
    this.#update(fd)
  }

  wait(ready: ReadyList, timeoutMs: number): Outcome {
    // Frequent events would otherwise postpone the check for ever.
    const overdue = this.#isCheckDue() ? this.#pollUnread(ready) : 0
    if (overdue !== 0) return overdue
    // In slices of CHECK_EVERY_MS while there are streams outside of the read set.
    for (let leftMs = wholeMs(timeoutMs); ; leftMs -= CHECK_EVERY_MS) {
      const sliceMs = this.#unreadCount > 0 ? Math.min(leftMs, CHECK_EVERY_MS) : leftMs
      const isForever = sliceMs === Number.POSITIVE_INFINITY
      if (!isForever) this.#time.setMs(sliceMs)
      const count = this.#select(ready, isForever ? FOREVER : this.#time.pointer)
      if (count !== 0) return count === -EINTR ? 0 : count
      if (sliceMs === leftMs) return 0
      const ended = this.#pollUnread(ready)
      if (ended !== 0) return ended
    }
  }

  waitBriefly(ready: ReadyList): Outcome {
    const overdue = this.#isCheckDue() ? this.#pollUnread(ready) : 0
    if (overdue !== 0) return overdue
    this.#time.setBrief()
    const count = this.#select(ready, this.#time.pointer)
    return count === -EINTR ? 0 : count
  }

  close(): void {
    this.#table.close()
  }

  /** Copies the requested events of a descriptor into the sets. */
  #update(fd: Fd): void {
    if (fd >= SELECT_DESCRIPTORS) return
    const table = this.#table
    const place = table.placeOf(fd)
    const wanted = place < 0 ? 0 : table.wantedAt(place)
    this.#setBit(fd, 0, wanted & READABLE)
    this.#setBit(fd, WRITE_SET, wanted & WRITABLE)
    this.#setBit(fd, EXCEPT_SET, wanted & URGENT)
    const isStream = place >= 0 && table.isStream(place) && !table.isDisabled(place)
    const isUnread = isStream && (wanted & READABLE) === 0 ? 1 : 0
    this.#unreadCount += isUnread - (this.#isUnread[fd] as number)
    this.#isUnread[fd] = isUnread
  }

  #setBit(fd: Fd, set: number, wanted: number): void {
    const at = set + (fd >> 5)
    const bit = 1 << (fd & 31)
    const word = this.#wanted[at] as number
    this.#wanted[at] = wanted === 0 ? word & ~bit : word | bit
  }

  /** Waits once. Returns the number of events, or a negated errno. */
  #select(ready: ReadyList, time: bigint): Outcome {
    // select(2) overwrites the sets that it is given.
    this.#found.set(this.#wanted)
    const [read, write, except] = this.#pointers
    const outcome = this.#pselect(this.#descriptorsWanted(), read, write, except, time, 0)
    if (outcome === 0) return 0
    if (outcome > 0) return this.#pollEntries(ready, this.#reportLevels(ready))
    const errno = this.#errno[0] as number
    // A watched descriptor was closed without `forget`. poll(2) finds it (POLLNVAL) and disables it.
    return errno === EBADF ? this.#pollAll(ready) : -errno
  }

  /** One more than the highest descriptor in the sets. */
  #descriptorsWanted(): number {
    const wanted = this.#wanted
    for (let word = SET_WORDS - 1; word >= 0; word--) {
      const any = anyOf(wanted, word)
      if (any !== 0) return word * 32 + 32 - Math.clz32(any)
    }
    return 0
  }

  /** Reports ready levels and queues ready streams for poll(2); together no more than the list has room for. */
  #reportLevels(ready: ReadyList): number {
    const table = this.#table
    const found = this.#found
    const firstWord = this.#firstFd >> 5
    const fromFirst = -1 << (this.#firstFd & 31)
    let reported = 0
    this.#entryCount = 0
    // The first word is scanned twice: the bits before the first descriptor come last.
    for (let i = 0; i <= SET_WORDS; i++) {
      const word = (firstWord + i) % SET_WORDS
      const mask = i === 0 ? fromFirst : i === SET_WORDS ? ~fromFirst : -1
      for (let bits = anyOf(found, word) & mask; bits !== 0; bits &= bits - 1) {
        const fd = word * 32 + 31 - Math.clz32(bits & -bits)
        if (reported + this.#entryCount === ready.capacity) {
          this.#firstFd = fd
          return reported
        }
        const place = table.placeOf(fd)
        if (table.isStream(place)) this.#queue(place)
        else {
          ready.tokens[reported] = table.tokenAt(place)
          ready.readiness[reported++] = READABLE
        }
      }
    }
    return reported
  }

  #queue(place: number): void {
    const at = this.#entryCount * ENTRY_WORDS
    this.#entries[at] = this.#table.fdAt(place)
    this.#entries[at + 1] = this.#table.wantedAt(place)
    this.#places[this.#entryCount++] = place
  }

  /** Polls the queued streams and appends their events after the first `count`. Returns the new number of events. */
  #pollEntries(ready: ReadyList, count: number): number {
    const table = this.#table
    const entries = this.#entries
    let reported = count
    if (this.#entryCount > 0) this.#poll(this.#entriesPointer, this.#entryCount, 0)
    for (let i = 0; i < this.#entryCount; i++) {
      const place = this.#places[i] as number
      const found = (entries[i * ENTRY_WORDS + 1] as number) >>> 16
      if (found === 0) continue
      if ((found & INVALID) !== 0) table.disable(place)
      else {
        ready.tokens[reported] = table.tokenAt(place)
        ready.readiness[reported++] = found
        table.markReported(place, found)
      }
      // The table has masked what was reported; the sets must no longer contain it.
      this.#update(table.fdAt(place))
    }
    return reported
  }

  /** Polls all watches, to find one whose descriptor is closed. */
  #pollAll(ready: ReadyList): number {
    this.#entryCount = 0
    const count = Math.min(this.#table.count, ready.capacity)
    for (let place = 0; place < count; place++) this.#queue(place)
    return this.#pollEntries(ready, 0)
  }

  #isCheckDue(): boolean {
    return this.#unreadCount > 0 && performance.now() >= this.#checkAtMs
  }

  /** Polls the streams that are not in the read set. */
  #pollUnread(ready: ReadyList): number {
    const table = this.#table
    this.#checkAtMs = performance.now() + CHECK_EVERY_MS
    this.#entryCount = 0
    for (let place = 0; place < table.count && this.#entryCount < ready.capacity; place++) {
      if (this.#isUnread[table.fdAt(place)] === 1) this.#queue(place)
    }
    return this.#pollEntries(ready, 0)
  }
}

/** The union of one word of all three sets. */
function anyOf(sets: Int32Array, word: number): number {
  return (sets[word] as number) | (sets[WRITE_SET + word] as number) | (sets[EXCEPT_SET + word] as number)
}
