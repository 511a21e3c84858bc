/** Processes of children that exist only in a test, with real links. */
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type { ToOurChild } from '../../src/control/children/our-link.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
import { asJson, Link, trusting } from '../../src/services/link.js'

/** The first descriptor beyond stdin, stdout and stderr. */
const LINK_FD = 3

export class FakeChild extends EventEmitter {
  readonly pid: number
  readonly signals: string[] = []
  /** What it has received over its link. */
  readonly messages: ToOurChild[] = []
  readonly #link: Link<ToOurChild, object> | undefined

  constructor(pid: number, stdio: StdioOptions) {
    super()
    this.pid = pid
    const linkFd = stdio[LINK_FD]
    if (typeof linkFd !== 'number') return
    const dup = nativeFunction<(fd: number) => number>('int dup(int fd)')
    this.#link = new Link(dup(linkFd), trusting<ToOurChild>(), asJson, {
      onMessage: (message) => void this.messages.push(message),
      onEnd: () => {},
    })
  }

  kill(signal: string): boolean {
    this.signals.push(signal)
    return true
  }

  says(kind: 'serving' | 'retiring' | 'pong'): void {
    this.#link?.send({ kind })
  }

  asks(token: number, name: string): void {
    this.#link?.send({ kind: 'resolve', token, pool: 0, name })
  }

  /** A message that no child sends. */
  lies(): void {
    this.#link?.send({ kind: 'nonsense' })
  }

  ends(code: number | null, signal: string | null = null): void {
    this.#link?.close()
    this.emit('exit', code, signal)
  }
}

/** Started processes, in order. */
export class FakeChildren {
  readonly started: FakeChild[] = []

  readonly start = (_program: unknown, stdio: StdioOptions): ChildProcess => {
    const child = new FakeChild(1_000 + this.started.length, stdio)
    this.started.push(child)
    return child as unknown as ChildProcess
  }

  at(nth: number): FakeChild {
    const child = this.started[nth]
    if (child === undefined) throw new Error(`there are ${this.started.length} children`)
    return child
  }
}
