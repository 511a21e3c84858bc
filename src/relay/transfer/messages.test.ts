import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls } from '../../../test/support/sockets.js'
import type { Calls } from '../../kernel/calls.js'
import { EAGAIN, ECONNRESET, EINTR, EINVAL } from '../../kernel/errno.js'
import { heapRegion } from '../../kernel/region.js'
import { Connection } from '../connection.js'
import type { Session } from '../session.js'
import { ThrottledWarnings } from '../throttled-warnings.js'
import { BLOCK_BYTES, Blocks } from './blocks.js'
import { BLOCKED, Direction, EMPTY, ENDED, SINK_FAILED, SOURCE_FAILED, SPENT } from './direction.js'
import { pumpMessages, receiveFirst } from './messages.js'
import { SCTP } from './sctp-transport.js'

interface Part {
  readonly text: string
  readonly stream?: number
  readonly ppid?: number
  readonly isUnordered?: boolean
  readonly isWhole?: boolean
}

interface Sent {
  readonly text: string
  readonly stream: number
  readonly ppid: number
  readonly isUnordered: boolean
}

/** A direction between two fake sockets: what the source sends, and what the sink has received. */
class Way {
  readonly way: Direction
  readonly heard: Sent[] = []
  readonly log: string[] = []
  /** What the source answers next: parts of messages, or outcomes. */
  says: (Part | number)[] = []
  /** What the sink answers instead of taking a message. */
  refusals: number[] = []
  readonly blocks: Blocks
  readonly #calls: Calls

  constructor() {
    const warnings = new ThrottledWarnings((_, line) => this.log.push(line))
    const session = { relay: { warnings, trace: { isOn: false } } } as unknown as Session
    this.way = new Direction(new Connection(session, true), new Connection(session, false))
    for (const connection of [this.way.source, this.way.sink]) connection.transport = SCTP
    this.way.source.mayRead = true
    this.#calls = {
      ...calls,
      discard: () => 0,
      sctp: {
        ...calls.sctp,
        receive: (_fd, into, offset, bytesMax, about) => {
          const next = this.says.shift() ?? -EAGAIN
          if (typeof next === 'number') return next
          const { text, stream = 0, ppid = 0, isUnordered = false, isWhole = true } = next
          assert.ok(text.length <= bytesMax, 'there is room for what the test says')
          into.bytes.set(Buffer.from(text), offset)
          Object.assign(about, { stream, ppid, isUnordered, isWhole })
          return text.length
        },
        send: (_fd, from, offset, byteCount, { stream, ppid, isUnordered }) => {
          const refusal = this.refusals.shift()
          if (refusal !== undefined) return refusal
          const text = Buffer.from(from.bytes).toString('latin1', offset, offset + byteCount)
          this.heard.push({ text, stream, ppid, isUnordered })
          return byteCount
        },
      },
    }
    this.blocks = new Blocks(this.#calls, heapRegion)
  }

  run(...says: readonly (Part | number)[]): number {
    this.says.push(...says)
    this.way.source.mayRead = true
    return pumpMessages(this.way, this.#calls, this.blocks)
  }

  receiveFirst(): number {
    const got = receiveFirst(this.way, this.#calls, this.blocks)
    const block = this.blocks.keepScratch()
    assert.ok(block)
    this.way.hold(block, 0, got)
    return got
  }
}

const plain = { stream: 0, ppid: 0, isUnordered: false }

test('each message is sent as one with its stream, PPID and order', () => {
  const way = new Way()
  const first = { text: 'one', stream: 3, ppid: -5, isUnordered: true }
  assert.equal(way.run(first, { text: 'two' }), EMPTY)
  assert.deepEqual(way.heard, [first, { text: 'two', ...plain }])
  assert.equal(way.way.bytes, 6)
})

test('reassembles a message that arrives in parts, also over several runs', () => {
  const way = new Way()
  const about = { stream: 2, ppid: 7 }
  assert.equal(
    way.run({ text: 'a', isWhole: false, ...about }, { text: 'b', isWhole: false, ...about }),
    EMPTY,
  )
  assert.deepEqual(way.heard, [])
  assert.equal(way.run({ text: 'c', isWhole: false, ...about }, -EINTR, { text: 'd', ...about }), EMPTY)
  assert.deepEqual(way.heard, [{ text: 'abcd', isUnordered: false, ...about }])
  assert.equal(way.blocks.held, 0)
})

test('a message longer than a block is sent in ordered pieces, even if it was unordered', () => {
  const way = new Way()
  const block = 'x'.repeat(BLOCK_BYTES)
  const about = { stream: 4, ppid: 8, isUnordered: true }
  assert.equal(way.run({ text: block, isWhole: false, ...about }, { text: 'rest', ...about }), EMPTY)
  assert.equal(way.run({ text: 'next', ...about }), EMPTY)
  assert.deepEqual(way.heard, [
    { text: block, ...about, isUnordered: false },
    { text: 'rest', ...about, isUnordered: false },
    { text: 'next', ...about },
  ])
})

test('holds a message and its metadata while the sink is full', () => {
  const way = new Way()
  way.refusals = [-EAGAIN, -EAGAIN]
  const about = { stream: 1, ppid: 2, isUnordered: true }
  assert.equal(way.run({ text: 'waits', ...about }), BLOCKED)
  assert.equal(way.blocks.held, 1)
  assert.equal(way.run(), BLOCKED)
  assert.equal(way.run({ text: 'then' }), EMPTY)
  assert.deepEqual(way.heard, [
    { text: 'waits', ...about },
    { text: 'then', ...plain },
  ])
  assert.equal(way.blocks.held, 0)
  assert.equal(way.way.bytes, 9)
})

test('retries an interrupted send', () => {
  const way = new Way()
  way.refusals = [-EINTR, -EINTR]
  assert.equal(way.run({ text: 'again' }), EMPTY)
  assert.deepEqual(way.heard, [{ text: 'again', ...plain }])
})

test('drops a message whose rest never arrives', () => {
  const way = new Way()
  assert.equal(way.run({ text: 'whole' }, { text: 'half', isWhole: false }, -ECONNRESET), SOURCE_FAILED)
  assert.equal(way.way.source.error, ECONNRESET)
  const other = new Way()
  assert.equal(other.run({ text: 'half', isWhole: false }), EMPTY)
  assert.equal(other.run(0), ENDED)
  assert.deepEqual([...way.heard, ...other.heard], [{ text: 'whole', ...plain }])
  assert.equal(way.blocks.held + other.blocks.held, 0)
})

test('a message on a stream that the other side lacks fails the sink and is logged', () => {
  const way = new Way()
  way.refusals = [-EINVAL]
  assert.equal(way.run({ text: 'lost', stream: 99 }), SINK_FAILED)
  assert.deepEqual(way.log, [
    'an SCTP message is on a stream that the server does not have (see `sctp streams`): invalid argument',
  ])
})

test('a run ends after 64 messages or 256 KiB', () => {
  const small = new Way()
  assert.equal(small.run(...new Array(100).fill({ text: 'x' })), SPENT)
  assert.equal(small.heard.length, 64)
  const large = new Way()
  assert.equal(large.run(...new Array(100).fill({ text: 'x'.repeat(BLOCK_BYTES) })), SPENT)
  assert.equal(large.heard.length, 4)
})

test('a message of a client that arrives before the server is forwarded unchanged, whole or partial', () => {
  const way = new Way()
  way.says = [{ text: 'early ', stream: 5, isWhole: false }]
  assert.equal(way.receiveFirst(), 6)
  assert.equal(way.run({ text: 'bird', stream: 5 }), EMPTY)
  assert.deepEqual(way.heard, [{ text: 'early bird', stream: 5, ppid: 0, isUnordered: false }])
})
