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
  type Token,
  URGENT,
  type WatchMode,
  WRITABLE,
} from './poller.js'
import { Timespec, wholeMs } from './wait-time.js'
import { ENTRY_WORDS, INVALID, WatchTable } from './watch-table.js'

const SET_BYTES = SELECT_DESCRIPTORS / 8
const SET_WORDS = SET_BYTES / 4
const WRITE_SET = SET_WORDS
const EXCEPT_SET = 2 * SET_WORDS

/**
 * select(2) cannot say that a stream has failed or ended while nobody wants to read it: that is looked for so often.
 * Nobody waits for it but a session that is to be ended.
 */
const LOOK_EVERY_MS = 250

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
 * select(2): three sets of bits with every call, and no descriptor beyond FD_SETSIZE. It tells that something may be
 * done, not what has happened: the streams that it names are asked by one poll(2), which does not wait.
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
  /** The sets to read, to write, and of urgent data, one behind the other: as they are wanted, and as they come back. */
  readonly #wanted = new Int32Array(3 * SET_WORDS)
  readonly #found: Int32Array
  readonly #pointers: readonly [read: bigint, write: bigint, except: bigint]
  /** What poll(2) is asked, and the place of each entry in the table. */
  readonly #questions: Int32Array
  readonly #questionsPointer: bigint
  readonly #places = new Int32Array(SELECT_DESCRIPTORS)
  #questionCount = 0
  /** 1 by descriptor: a stream that nobody wants to read, whose end select would not tell. */
  readonly #isDeaf = new Uint8Array(SELECT_DESCRIPTORS)
  #deafCount = 0
  #lookAtMs = 0
  /** The descriptor with which the next look begins: where the list was full. */
  #firstFd = 0

  constructor() {
    const sets = mapPrivate(3 * SET_BYTES)
    this.#found = new Int32Array(sets.bytes.buffer, sets.bytes.byteOffset, 3 * SET_WORDS)
    const pointerOf = (at: number) => sets.part(at * SET_BYTES, SET_BYTES).pointer
    this.#pointers = [pointerOf(0), pointerOf(1), pointerOf(2)]
    const questions = mapPrivate(SELECT_DESCRIPTORS * ENTRY_WORDS * 4)
    this.#questions = new Int32Array(questions.bytes.buffer, 0, SELECT_DESCRIPTORS * ENTRY_WORDS)
    this.#questionsPointer = questions.pointer
  }

  add(fd: Fd, token: Token, mode: WatchMode): Outcome {
    const outcome = this.#table.add(fd, token, mode)
    if (outcome === 0 && fd >= SELECT_DESCRIPTORS) {
      this.#table.remove(fd)
      return -EMFILE
    }
    this.#show(fd)
    return outcome
  }

  again(fd: Fd, _token: Token, interest: Interest): void {
    this.#table.again(fd, interest)
    this.#show(fd)
  }

  hush(fd: Fd): void {
    this.#table.hush(fd)
    this.#show(fd)
  }

  remove(fd: Fd): Outcome {
    const outcome = this.#table.remove(fd)
    this.#show(fd)
    return outcome
  }

  forget(fd: Fd, token: Token): void {
    this.#table.forget(fd, token)
    this.#show(fd)
  }

  wait(ready: ReadyList, timeoutMs: number): Outcome {
    const overdue = this.#isLookDue() ? this.#lookForEnds(ready) : 0
    if (overdue !== 0) return overdue
    for (let leftMs = wholeMs(timeoutMs); ; leftMs -= LOOK_EVERY_MS) {
      const sliceMs = this.#deafCount > 0 ? Math.min(leftMs, LOOK_EVERY_MS) : leftMs
      const isForever = sliceMs === Number.POSITIVE_INFINITY
      if (!isForever) this.#time.setMs(sliceMs)
      const count = this.#select(ready, isForever ? FOREVER : this.#time.pointer)
      if (count !== 0) return count === -EINTR ? 0 : count
      if (sliceMs === leftMs) return 0
      const ended = this.#lookForEnds(ready)
      if (ended !== 0) return ended
    }
  }

  waitBriefly(ready: ReadyList): Outcome {
    const overdue = this.#isLookDue() ? this.#lookForEnds(ready) : 0
    if (overdue !== 0) return overdue
    this.#time.setBrief()
    const count = this.#select(ready, this.#time.pointer)
    return count === -EINTR ? 0 : count
  }

  close(): void {
    this.#table.close()
  }

  /** Puts what is wanted of a descriptor into the sets. */
  #show(fd: Fd): void {
    if (fd >= SELECT_DESCRIPTORS) return
    const table = this.#table
    const place = table.placeOf(fd)
    const wanted = place < 0 ? 0 : table.wantedAt(place)
    this.#setBit(fd, 0, wanted & READABLE)
    this.#setBit(fd, WRITE_SET, wanted & WRITABLE)
    this.#setBit(fd, EXCEPT_SET, wanted & URGENT)
    const isLeft = place >= 0 && table.isStream(place) && !table.isOver(place)
    const isDeaf = isLeft && (wanted & READABLE) === 0 ? 1 : 0
    this.#deafCount += isDeaf - (this.#isDeaf[fd] as number)
    this.#isDeaf[fd] = isDeaf
  }

  #setBit(fd: Fd, set: number, wanted: number): void {
    const at = set + (fd >> 5)
    const bit = 1 << (fd & 31)
    const word = this.#wanted[at] as number
    this.#wanted[at] = wanted === 0 ? word & ~bit : word | bit
  }

  /** Waits once: how many were told, or a negated errno. */
  #select(ready: ReadyList, time: bigint): Outcome {
    this.#found.set(this.#wanted)
    const [read, write, except] = this.#pointers
    const outcome = this.#pselect(this.#descriptorsWanted(), read, write, except, time, 0)
    if (outcome === 0) return 0
    if (outcome > 0) return this.#askStreams(ready, this.#tellLevels(ready))
    const errno = this.#errno[0] as number
    // Somebody was closed without a word: who that is comes out when all are asked.
    return errno === EBADF ? this.#askAll(ready) : -errno
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

  /** Tells who is told by what select says; of the others questions are made. Together they are as many as fit. */
  #tellLevels(ready: ReadyList): number {
    const table = this.#table
    const found = this.#found
    const firstWord = this.#firstFd >> 5
    const fromFirst = -1 << (this.#firstFd & 31)
    let told = 0
    this.#questionCount = 0
    // The first word comes twice: what is before the first descriptor comes last.
    for (let i = 0; i <= SET_WORDS; i++) {
      const word = (firstWord + i) % SET_WORDS
      const mask = i === 0 ? fromFirst : i === SET_WORDS ? ~fromFirst : -1
      for (let bits = anyOf(found, word) & mask; bits !== 0; bits &= bits - 1) {
        const fd = word * 32 + 31 - Math.clz32(bits & -bits)
        if (told + this.#questionCount === ready.capacity) {
          this.#firstFd = fd
          return told
        }
        const place = table.placeOf(fd)
        if (table.isStream(place)) this.#ask(place)
        else {
          ready.tokens[told] = table.tokenAt(place)
          ready.readiness[told++] = READABLE
        }
      }
    }
    return told
  }

  #ask(place: number): void {
    const at = this.#questionCount * ENTRY_WORDS
    this.#questions[at] = this.#table.fdAt(place)
    this.#questions[at + 1] = this.#table.wantedAt(place)
    this.#places[this.#questionCount++] = place
  }

  /** Tells what the streams that were noted have to say, behind those that were told. */
  #askStreams(ready: ReadyList, toldBefore: number): number {
    const table = this.#table
    const questions = this.#questions
    let told = toldBefore
    if (this.#questionCount > 0) this.#poll(this.#questionsPointer, this.#questionCount, 0)
    for (let i = 0; i < this.#questionCount; i++) {
      const place = this.#places[i] as number
      const found = (questions[i * ENTRY_WORDS + 1] as number) >>> 16
      if (found === 0) continue
      if ((found & INVALID) !== 0) table.silence(place)
      else {
        ready.tokens[told] = table.tokenAt(place)
        ready.readiness[told++] = found
        table.told(place, found)
      }
      this.#show(table.fdAt(place))
    }
    return told
  }

  #askAll(ready: ReadyList): number {
    this.#questionCount = 0
    const count = Math.min(this.#table.count, ready.capacity)
    for (let place = 0; place < count; place++) this.#ask(place)
    return this.#askStreams(ready, 0)
  }

  #isLookDue(): boolean {
    return this.#deafCount > 0 && performance.now() >= this.#lookAtMs
  }

  /** Asks the streams that select does not look at. */
  #lookForEnds(ready: ReadyList): number {
    const table = this.#table
    this.#lookAtMs = performance.now() + LOOK_EVERY_MS
    this.#questionCount = 0
    for (let place = 0; place < table.count && this.#questionCount < ready.capacity; place++) {
      if (this.#isDeaf[table.fdAt(place)] === 1) this.#ask(place)
    }
    return this.#askStreams(ready, 0)
  }
}

/** Of one word of all three sets. */
function anyOf(sets: Int32Array, word: number): number {
  return (sets[word] as number) | (sets[WRITE_SET + word] as number) | (sets[EXCEPT_SET + word] as number)
}
