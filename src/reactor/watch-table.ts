/** The descriptors that poll.ts and select-poller.ts watch, in the format that poll(2) takes. */
import type { Fd, Outcome } from '../kernel/calls.js'
import { F_GETFD } from '../kernel/constants.js'
import { EBADF, EEXIST, ENOENT } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { mapPrivate, type Region, unmap } from '../kernel/memory.js'
import {
  FAILED,
  HUNG_UP,
  type Interest,
  PEER_ENDED,
  READABLE,
  URGENT,
  type WatchMode,
  type WatchToken,
  WRITABLE,
} from './poller.js'

/** struct pollfd: the descriptor, then one word with `events` (low half) and `revents` (high half). */
export const ENTRY_WORDS = 2
const ENTRY_BYTES = 8
const WANTED = 0xffff

/** Reported for a descriptor that is not open (POLLNVAL). */
export const INVALID = 0x20

/** Initial number of entries; a full table doubles. */
const CAPACITY_AT_FIRST = 64

const STREAM = 1
/**
 * A stream whose urgent data was reported: its owner reads past it, and POLLPRI would be reported again every time.
 */
const URGENT_REPORTED = 2

/** Cannot be masked: poll(2) reports these on every call, whatever `events` says. */
const UNMASKABLE = FAILED | HUNG_UP

/**
 * The watch list of a poller for which the kernel keeps none. poll(2) and select(2) are level-triggered; the table
 * makes streams edge-triggered: an event that was reported is masked until the owner re-arms it with `again`. Dense:
 * the last entry takes the place of a removed one.
 */
export class WatchTable {
  /** Entries for poll(2). A disabled descriptor is stored as its complement: the kernel skips negative ones. */
  words: Int32Array
  pointer: bigint
  count = 0
  #region: Region
  #tokens: Int32Array<ArrayBuffer>
  /** By entry: STREAM, STREAM with URGENT_REPORTED, or 0 for a watch that stays level-triggered. */
  #kinds: Uint8Array
  /** Index of the entry by descriptor, counted from 1; 0 for none. */
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

  add(fd: Fd, token: WatchToken, mode: WatchMode): Outcome {
    // The same errors as epoll_ctl(2); poll(2) would report a closed descriptor only in the next wait.
    if (this.#descriptorFlags(fd, F_GETFD) < 0) return -EBADF
    if (fd >= this.#places.length) this.#places = widened(this.#places, fd + 1)
    if (this.#places[fd] !== 0) return -EEXIST
    if (this.count === this.#tokens.length) this.#grow()
    const isStream = mode === 'stream'
    const place = this.count++
    this.words[place * ENTRY_WORDS] = fd
    this.words[place * ENTRY_WORDS + 1] = isStream ? READABLE | WRITABLE | URGENT | PEER_ENDED : READABLE
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

  pauseReads(fd: Fd): void {
    const place = this.placeOf(fd)
    if (place < 0) return
    const at = place * ENTRY_WORDS + 1
    this.words[at] = (this.words[at] as number) & PEER_ENDED
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

  /** A no-op when the descriptor number already belongs to another watch. */
  forget(fd: Fd, token: WatchToken): void {
    const place = this.placeOf(fd)
    if (place >= 0 && this.#tokens[place] === token) this.remove(fd)
  }

  /** Negative for a descriptor that is not watched. */
  placeOf(fd: Fd): number {
    return fd < this.#places.length ? (this.#places[fd] as number) - 1 : -1
  }

  fdAt(place: number): Fd {
    const fd = this.words[place * ENTRY_WORDS] as number
    return fd < 0 ? ~fd : fd
  }

  tokenAt(place: number): WatchToken {
    return this.#tokens[place] as number
  }

  isStream(place: number): boolean {
    return ((this.#kinds[place] as number) & STREAM) !== 0
  }

  /** The events to ask the kernel for; 0 for a disabled entry. */
  wantedAt(place: number): number {
    const at = place * ENTRY_WORDS
    return (this.words[at] as number) < 0 ? 0 : (this.words[at + 1] as number) & WANTED
  }

  /** Whether the entry was disabled and not re-armed since. */
  isDisabled(place: number): boolean {
    return (this.words[place * ENTRY_WORDS] as number) < 0
  }

  /** Masks the events of a stream that are being reported to its owner. */
  markReported(place: number, found: number): void {
    if (!this.isStream(place)) return
    const at = place * ENTRY_WORDS
    this.words[at + 1] = (this.words[at + 1] as number) & WANTED & ~found
    if ((found & URGENT) !== 0) this.#kinds[place] = STREAM | URGENT_REPORTED
    if ((found & UNMASKABLE) !== 0) this.disable(place)
  }

  /** Excludes the entry from polling until `again`. */
  disable(place: number): void {
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

/** A copy with at least `length` elements. */
function widened(values: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(Math.max(length, 2 * values.length))
  wide.set(values)
  return wide
}
