/** A direction between SCTP sockets, with Unix datagram sockets in their place. */
import type { Calls, Fd } from '../../src/kernel/calls.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { messageCalls } from '../../src/kernel/message-calls.js'
import type { Region } from '../../src/kernel/region.js'
import { MessageInfo } from '../../src/kernel/sctp.js'
import { Connection } from '../../src/relay/connection.js'
import type { Session } from '../../src/relay/session.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Direction, EMPTY } from '../../src/relay/transfer/direction.js'
import { pumpMessages } from '../../src/relay/transfer/messages.js'

const MESSAGE_BYTES = 100

/** Uses real system calls, but needs no SCTP in the kernel: Unix datagrams preserve message boundaries too. */
export class MessageRelay {
  readonly #calls: Calls
  readonly #blocks: Blocks
  readonly #way: Direction
  readonly #from: Fd
  readonly #to: Fd
  readonly #region: Region = mapPrivate(1024)
  readonly #about = new MessageInfo()

  constructor() {
    const calls = linuxCalls()
    const { receive } = calls.sctp
    this.#calls = {
      ...calls,
      sctp: {
        ...calls.sctp,
        // Unix datagrams have no MSG_EOR, because they are always complete.
        receive(fd, into, offset, bytesMax, about) {
          const got = receive(fd, into, offset, bytesMax, about)
          about.isWhole = true
          return got
        },
      },
    }
    this.#blocks = new Blocks(this.#calls, mapPrivate)
    const session = { relay: { trace: { isOn: false } } } as unknown as Session
    this.#way = new Direction(new Connection(session, true), new Connection(session, false))
    const [before, behind] = [pair(), pair()]
    this.#from = before[0]
    this.#way.source.fd = before[1]
    this.#way.sink.fd = behind[0]
    this.#to = behind[1]
  }

  /** Relays one message from end to end. */
  carry(): void {
    const { sctp } = this.#calls
    this.#expect(sctp.send(this.#from, this.#region, 0, MESSAGE_BYTES, this.#about), MESSAGE_BYTES)
    this.#way.source.mayRead = true
    this.#expect(pumpMessages(this.#way, this.#calls, this.#blocks), EMPTY)
    this.#expect(sctp.receive(this.#to, this.#region, 0, 1024, this.#about), MESSAGE_BYTES)
  }

  #expect(outcome: number, wanted: number): void {
    if (outcome !== wanted) throw new Error(`expected outcome ${wanted}, got ${outcome}`)
  }
}

function pair(): readonly [Fd, Fd] {
  const made = messageCalls().socketPair('datagram')
  if (typeof made === 'number') throw new Error(`no socket pair: errno ${-made}`)
  return made
}
