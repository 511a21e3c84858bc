import type { Fd } from '../../src/kernel/calls.js'
import type { Clock } from '../../src/kernel/system.js'
import { type Poller, READABLE, type ReadyList, type Token } from '../../src/reactor/poller.js'

/** Tells the loop what the test has put into `next`, and notes what the loop asks of it. */
export class FakePoller implements Poller {
  readonly name = 'fake'
  readonly tokens = new Map<Fd, Token>()
  readonly waits: number[] = []
  readonly said: string[] = []
  next: (readonly [Token, number])[] = []
  /** What `add` and `wait` answer when it is a failure. */
  outcome = 0

  add(fd: Fd, token: Token, mode: string): number {
    this.said.push(`add ${fd} ${mode}`)
    if (this.outcome >= 0) this.tokens.set(fd, token)
    return this.outcome
  }

  again(fd: Fd, token: Token, interest: number): void {
    this.said.push(`again ${fd} ${interest} ${token === this.tokens.get(fd)}`)
  }

  hush(fd: Fd, token: Token): void {
    this.said.push(`hush ${fd} ${token === this.tokens.get(fd)}`)
  }

  remove(fd: Fd): number {
    this.said.push(`remove ${fd}`)
    this.tokens.delete(fd)
    return 0
  }

  forget(fd: Fd): void {
    this.said.push(`forget ${fd}`)
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

  /** The descriptor has news in the next wait. Without effect when nobody watches it. */
  tell(fd: Fd, readiness = READABLE): void {
    const token = this.tokens.get(fd)
    if (token !== undefined) this.next.push([token, readiness])
  }
}

/** Time stands still until the test moves it. */
export class FakeClock implements Clock {
  nowMs = 1_000
  monotonicMs = () => this.nowMs
  readMonotonicMs = (into: Float64Array) => into.fill(this.nowMs)
  wallMs = () => 0
}
