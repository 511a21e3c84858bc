import { fstatSync, ftruncateSync, writeFileSync, writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { nativeFunction } from '../../src/kernel/ffi.js'

/**
 * Loaded before the program by `--import`, into the master and so into its children. On SIGUSR2 a child attacks its
 * master through shared objects, as if it had been taken over; the query of the module's URL selects the attack.
 */
const attack = new URL(import.meta.url).searchParams.get('attack') ?? ''
const seed = Number(new URL(import.meta.url).searchParams.get('seed') ?? 1)
const report = new URL(import.meta.url).searchParams.get('report') ?? ''

const WIRE = 0
const LINK = 3
const CELLS = [4, 5, 6]
const WAKEUP = 7

const F_SETFL = 4
const BAD_CFG = 4
const CHUNK_BYTES = 64 * 1024

const ATTACKS: Readonly<Record<string, () => void>> = {
  'link-object': () => void write(LINK, frame('{"$base64":{"toString":1}}')),
  'link-int32': () => void write(LINK, frame('{"$int32":"AAAAAAA="}')),
  'link-random': () => {
    const random = randomBytes()
    for (let i = 0; i < 10_000; i++) if (!write(LINK, random(i % 300))) return
  },
  'link-flood': () => {
    for (let i = 0; i < 10_000; i++) write(LINK, frame('{"kind":"log"}'))
  },
  'link-resolve': () => void write(LINK, frame('{"kind":"resolve","token":1,"pool":0,"name":"a.test"}')),
  'wire-random': () => {
    const random = randomBytes()
    for (let i = 0; i < 10_000; i++) write(WIRE, random(1 + (i % 100)))
  },
  'wire-bad-configuration': () => void write(WIRE, Uint8Array.of(BAD_CFG, 0, 0, 0, 0, 0, 0, 0)),
  cells: () => {
    const outcomes = CELLS.flatMap((fd) => [`${fd} ${overwrite(fd)}`, `${fd} ${truncate(fd)}`])
    writeFileSync(report, outcomes.join('\n'))
    process.kill(process.pid, 'SIGKILL')
  },
  wakeup: () => {
    const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
      'int fcntl(int fd, int command, uintptr_t value)',
    )
    fcntl(WAKEUP, F_SETFL, 0)
    const ones = new Uint8Array(8).fill(0xff)
    ones[0] = 0xfe
    write(WAKEUP, ones)
    process.kill(process.pid, 'SIGKILL')
  },
  hang: () => {
    for (;;);
  },
}

function frame(text: string): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(text.length)
  return Buffer.concat([head, Buffer.from(text)])
}

/** False if the other end takes no more. */
function write(fd: number, bytes: Uint8Array): boolean {
  try {
    writeSync(fd, bytes)
    return true
  } catch (error) {
    return codeOf(error) === 'EAGAIN'
  }
}

function overwrite(fd: number): string {
  const { size } = fstatSync(fd)
  const junk = Buffer.alloc(CHUNK_BYTES, 0xff)
  try {
    for (let at = 0; at < size; at += CHUNK_BYTES)
      writeSync(fd, junk, 0, Math.min(CHUNK_BYTES, size - at), at)
    return 'written'
  } catch (error) {
    return codeOf(error)
  }
}

function truncate(fd: number): string {
  try {
    ftruncateSync(fd, 0)
    return 'truncated'
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** By xorshift, so that a seed repeats a run. */
function randomBytes(): (count: number) => Uint8Array {
  let state = seed | 1
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return state & 0xff
    })
}

if (isMainThread) process.on('SIGUSR2', () => ATTACKS[attack]?.())
