/** A poller and a clock under the control of a test. */
import type { Fd } from '../../src/kernel/calls.js'
import type { Clock } from '../../src/kernel/system.js'
import { type Poller, READABLE, type ReadyList, type WatchToken } from '../../src/reactor/poller.js'

/** Reports the events that the test has put into `next`, and records the loop's calls. */
export class FakePoller implements Poller {
  readonly name = 'fake'
  readonly tokens = new Map<Fd, WatchToken>()
  readonly waits: number[] = []
  readonly calls: string[] = []
  next: (readonly [WatchToken, number])[] = []
  /** The result of `add` and `wait` while it is negative. */
  outcome = 0

  add(fd: Fd, token: WatchToken, mode: string): number {
    this.calls.push(`add ${fd} ${mode}`)
    if (this.outcome >= 0) this.tokens.set(fd, token)
    return this.outcome
  }

  again(fd: Fd, token: WatchToken, interest: number): void {
    this.calls.push(`again ${fd} ${interest} ${token === this.tokens.get(fd)}`)
  }

  pauseReads(fd: Fd, token: WatchToken): void {
    this.calls.push(`pauseReads ${fd} ${token === this.tokens.get(fd)}`)
  }

  remove(fd: Fd): number {
    this.calls.push(`remove ${fd}`)
    this.tokens.delete(fd)
    return 0
  }

  forget(fd: Fd): void {
    this.calls.push(`forget ${fd}`)
    this.tokens.delete(fd)
  }

  wait(ready: ReadyList, timeoutMs: number): number {
    this.waits.push(timeoutMs)
    const { next } = this
    this.next = []
    for (const [i, [token, readiness]] of next.entries()) {
      ready.tokens[i] = token
      ready.readiness[i] = readiness
    }
    return this.outcome < 0 ? this.outcome : next.length
  }

  waitBriefly(ready: ReadyList): number {
    return this.wait(ready, 0.1)
  }

  close(): void {}

  /** Makes the next wait report the descriptor. A no-op when it is not watched. */
  makeReady(fd: Fd, readiness = READABLE): void {
    const token = this.tokens.get(fd)
    if (token !== undefined) this.next.push([token, readiness])
  }
}

/** A clock that only the test advances. */
export class FakeClock implements Clock {
  nowMs = 1_000
  monotonicMs = () => this.nowMs
  readMonotonicMs = (into: Float64Array) => into.fill(this.nowMs)
  wallMs = () => 0
}
