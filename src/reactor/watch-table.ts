import type { Fd, Outcome } from '../kernel/calls.js'
import { F_GETFD } from '../kernel/constants.js'
import { EBADF, EEXIST, ENOENT } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { mapPrivate, type Region, unmap } from '../kernel/memory.js'
import {
  ENDED,
  FAILED,
  HUNG_UP,
  type Interest,
  READABLE,
  type Token,
  URGENT,
  type WatchMode,
  WRITABLE,
} from './poller.js'

/** struct pollfd: the descriptor; then in one word what is wanted (low half) and what was found (high half). */
export const ENTRY_WORDS = 2
const ENTRY_BYTES = 8
const WANTED = 0xffff

/** Found of a descriptor that is not open (POLLNVAL). */
export const INVALID = 0x20

/** Entries at first; a table that is full grows to twice its size. */
const CAPACITY_AT_FIRST = 64

const STREAM = 1
/** A stream that has told of urgent data: its owner reads on from there anyway, and the kernel repeats itself. */
const TOLD_URGENT = 2

/** What cannot be masked: poll(2) tells of it again and again, whatever is wanted. */
const LASTING = FAILED | HUNG_UP

/**
 * Who waits for what, where the kernel keeps no such list: poll(2) and select(2) are handed it with every call, and
 * tell what holds, not what is new. So a stream is told once of what its owner wants; after that it is not wanted
 * until the owner says `again`. Dense: what is taken out is replaced by the last one.
 */
export class WatchTable {
  /** Entries as poll(2) takes them. A descriptor that has nothing more to say is negative: the kernel skips it. */
  words: Int32Array
  pointer: bigint
  count = 0
  #region: Region
  #tokens: Int32Array<ArrayBuffer>
  #kinds: Uint8Array
  /** By descriptor: the place of its entry, counted from 1; 0 for none. */
  #places = new Int32Array(1024)
  readonly #descriptorFlags: (fd: Fd, command: number) => number

  constructor() {
    this.#region = mapPrivate(ENTRY_BYTES * CAPACITY_AT_FIRST)
    this.pointer = this.#region.pointer
    this.words = wordsOf(this.#region)
    this.#tokens = new Int32Array(CAPACITY_AT_FIRST)
    this.#kinds = new Uint8Array(CAPACITY_AT_FIRST)
    this.#descriptorFlags = nativeFunction('int fcntl(int fd, int command)')
  }

  add(fd: Fd, token: Token, mode: WatchMode): Outcome {
    if (this.#descriptorFlags(fd, F_GETFD) < 0) return -EBADF
    if (fd >= this.#places.length) this.#places = widened(this.#places, fd + 1)
    if (this.#places[fd] !== 0) return -EEXIST
    if (this.count === this.#tokens.length) this.#grow()
    const isStream = mode === 'stream'
    const place = this.count++
    this.words[place * ENTRY_WORDS] = fd
    this.words[place * ENTRY_WORDS + 1] = isStream ? READABLE | WRITABLE | URGENT | ENDED : READABLE
    this.#tokens[place] = token
    this.#kinds[place] = isStream ? STREAM : 0
    this.#places[fd] = place + 1
    return 0
  }

  again(fd: Fd, interest: Interest): void {
    const place = this.placeOf(fd)
    if (place < 0) return
    const at = place * ENTRY_WORDS
    const urgent = this.#kinds[place] === STREAM ? URGENT : 0
    this.words[at] = fd
    this.words[at + 1] = ((this.words[at + 1] as number) | interest | urgent) & WANTED
  }

  hush(fd: Fd): void {
    const place = this.placeOf(fd)
    if (place < 0) return
    const at = place * ENTRY_WORDS + 1
    this.words[at] = (this.words[at] as number) & ENDED
  }

  remove(fd: Fd): Outcome {
    const place = this.placeOf(fd)
    if (place < 0) return -ENOENT
    this.#places[fd] = 0
    const last = --this.count
    if (place === last) return 0
    const [to, from] = [place * ENTRY_WORDS, last * ENTRY_WORDS]
    this.words[to] = this.words[from] as number
    this.words[to + 1] = this.words[from + 1] as number
    this.#tokens[place] = this.#tokens[last] as number
    this.#kinds[place] = this.#kinds[last] as number
    this.#places[this.fdAt(place)] = place + 1
    return 0
  }

  /** Whoever has that descriptor now is left alone. */
  forget(fd: Fd, token: Token): void {
    const place = this.placeOf(fd)
    if (place >= 0 && this.#tokens[place] === token) this.remove(fd)
  }

  /** Negative when it is not watched. */
  placeOf(fd: Fd): number {
    return fd < this.#places.length ? (this.#places[fd] as number) - 1 : -1
  }

  fdAt(place: number): Fd {
    const fd = this.words[place * ENTRY_WORDS] as number
    return fd < 0 ? ~fd : fd
  }

  tokenAt(place: number): Token {
    return this.#tokens[place] as number
  }

  isStream(place: number): boolean {
    return ((this.#kinds[place] as number) & STREAM) !== 0
  }

  /** What its owner waits for; nothing where nothing more can come. */
  wantedAt(place: number): number {
    const at = place * ENTRY_WORDS
    return (this.words[at] as number) < 0 ? 0 : (this.words[at + 1] as number) & WANTED
  }

  /** It was silenced, and its owner has not asked since. */
  isOver(place: number): boolean {
    return (this.words[place * ENTRY_WORDS] as number) < 0
  }

  /** The owner is told that this was found: what of that it need not be told again. */
  told(place: number, found: number): void {
    if (!this.isStream(place)) return
    const at = place * ENTRY_WORDS
    this.words[at + 1] = (this.words[at + 1] as number) & WANTED & ~found
    if ((found & URGENT) !== 0) this.#kinds[place] = STREAM | TOLD_URGENT
    if ((found & LASTING) !== 0) this.silence(place)
  }

  /** There is nothing more to say of it, unless its owner asks. */
  silence(place: number): void {
    this.words[place * ENTRY_WORDS] = ~this.fdAt(place)
  }

  close(): void {
    unmap(this.#region)
  }

  #grow(): void {
    const capacity = this.#tokens.length * 2
    const region = mapPrivate(ENTRY_BYTES * capacity)
    const words = wordsOf(region)
    words.set(this.words)
    unmap(this.#region)
    this.#region = region
    this.words = words
    this.pointer = region.pointer
    this.#tokens = widened(this.#tokens, capacity)
    const kinds = new Uint8Array(capacity)
    kinds.set(this.#kinds)
    this.#kinds = kinds
  }
}

function wordsOf({ bytes, byteLength }: Region): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, byteLength / 4)
}

/** The same, with room for so many at least. */
function widened(values: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(Math.max(length, 2 * values.length))
  wide.set(values)
  return wide
}
