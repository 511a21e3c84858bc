import assert from 'node:assert/strict'
import type { Fd } from '../../src/kernel/calls.js'
import { type Poller, READABLE, ReadyList, WRITABLE } from '../../src/reactor/poller.js'
import { closeAll, done, type Pair, tcpPair } from '../support/sockets.js'

/** Far longer than anything here takes: an event that has not come by then never comes. */
export const EVENT_MAX_MS = 5_000

/** One poller under test, and what it was given. */
export class Bench {
  readonly poller: Poller
  readonly ready = new ReadyList(64)
  readonly #fds: Fd[] = []

  constructor(poller: Poller) {
    this.poller = poller
  }

  pair(pair: Pair = tcpPair()): Pair {
    this.#fds.push(pair.near, pair.far)
    return pair
  }

  /** A stream whose first news, that it is writable, has been told already. */
  quietStream(token: number, pair: Pair = tcpPair()): Pair {
    this.pair(pair)
    assert.equal(this.poller.add(pair.near, token, 'stream'), 0)
    this.poller.again(pair.near, token, READABLE | WRITABLE)
    assert.equal(this.wait().get(token), WRITABLE)
    this.poller.again(pair.near, token, READABLE)
    return pair
  }

  /** Readiness by token. */
  wait(timeoutMs: number = EVENT_MAX_MS): Map<number, number> {
    const count = done(this.poller.wait(this.ready, timeoutMs))
    const told = new Map<number, number>()
    for (let i = 0; i < count; i++) told.set(this.ready.tokens[i] ?? -1, this.ready.readiness[i] ?? 0)
    assert.equal(told.size, count, 'a token is told at most once per wait')
    return told
  }

  /** Waits until this token has been told all of these bits. */
  waitFor(token: number, bits: number): number {
    let seen = 0
    for (let rounds = 0; (seen & bits) !== bits; rounds++) {
      assert.ok(rounds < 20, `told ${seen} instead of ${bits}`)
      const told = this.wait()
      assert.ok(told.size > 0, `told ${seen} and then nothing, instead of ${bits}`)
      seen |= told.get(token) ?? 0
    }
    return seen
  }

  assertQuiet(): void {
    assert.deepEqual([...this.wait(0)], [], 'there is no news')
  }

  close(): void {
    closeAll(...this.#fds)
    this.poller.close()
  }
}

/** One promise: a title, and what shows that it is kept. */
export type Test = (title: string, run: (bench: Bench) => void) => void
