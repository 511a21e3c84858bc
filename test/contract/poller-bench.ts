/** The fixture of the poller contract (poller.contract.ts): one poller and its socket pairs. */
import assert from 'node:assert/strict'
import type { Fd } from '../../src/kernel/calls.js'
import { type Poller, READABLE, ReadyList, WRITABLE } from '../../src/reactor/poller.js'
import { closeAll, done, type Pair, tcpPair } from '../support/sockets.js'

/** Far longer than anything here takes: an event that is not reported by then is lost. */
export const EVENT_MAX_MS = 5_000

/** One poller under test and the descriptors opened for it. */
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

  /** A stream whose initial writability was already reported, armed for reading. */
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
    const events = new Map<number, number>()
    for (let i = 0; i < count; i++) events.set(this.ready.tokens[i] ?? -1, this.ready.readiness[i] ?? 0)
    assert.equal(events.size, count, 'a token is reported at most once per wait')
    return events
  }

  /** Waits until all of these bits have been reported for this token. */
  waitFor(token: number, bits: number): number {
    let seen = 0
    for (let rounds = 0; (seen & bits) !== bits; rounds++) {
      assert.ok(rounds < 20, `reported ${seen} instead of ${bits}`)
      const events = this.wait()
      assert.ok(events.size > 0, `reported ${seen} and then nothing, instead of ${bits}`)
      seen |= events.get(token) ?? 0
    }
    return seen
  }

  assertQuiet(): void {
    assert.deepEqual([...this.wait(0)], [], 'no event is reported')
  }

  close(): void {
    closeAll(...this.#fds)
    this.poller.close()
  }
}

/** Declares one test of the contract. */
export type Test = (title: string, run: (bench: Bench) => void) => void
