/** The contract of `Poller`; start reading this folder here. Parts of it are in poller-spinning.ts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Fd } from '../../src/kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.js'
import { EBADF, EEXIST } from '../../src/kernel/errno.js'
import { openEventFd } from '../../src/kernel/eventfd.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import { Loop, NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import {
  FAILED,
  HUNG_UP,
  PEER_ENDED,
  type Poller,
  READABLE,
  ReadyList,
  URGENT,
  WRITABLE,
} from '../../src/reactor/poller.js'
import { interrupted } from '../support/interval-signal.js'
import {
  calls,
  closeAll,
  done,
  drainDry,
  fillUp,
  listenOnLoopback,
  type Pair,
  sendText,
  sendUrgent,
  tcpPair,
  unixPair,
  waitReadable,
} from '../support/sockets.js'
import { Bench, EVENT_MAX_MS, type Test } from './poller-bench.js'
import { nothingSpins, sharing } from './poller-spinning.js'

/** The guarantees that the loop and the sessions rely on. A new poller is finished when this suite passes for it. */
export function pollerContract(name: string, open: () => Poller): void {
  const test = (title: string, run: (bench: Bench) => void): void => {
    it(title, () => {
      const bench = new Bench(open())
      try {
        run(bench)
      } finally {
        bench.close()
      }
    })
  }
  describe(`${name} keeps the poller contract`, () => {
    tokensAndReadiness(test)
    removing(test)
    edges(test)
    nothingSpins(test)
    sharing(test)
    pausing(test)
    levels(test)
    endings(test)
    waiting(test)
    throughTheLoop(test)
  })
}

function tokensAndReadiness(test: Test): void {
  test('has a name for the log', ({ poller }) => assert.match(poller.name, /^[a-z]+$/))

  test('reports events with the token of the watch', (bench) => {
    for (const token of [0, 1, 0x7fff_ffff]) {
      const { near } = bench.pair()
      assert.equal(bench.poller.add(near, token, 'stream'), 0)
    }
    assert.deepEqual([...bench.wait().keys()].sort(), [0, 1, 0x7fff_ffff])
  })

  test('reports a new stream as writable', (bench) => {
    bench.poller.add(bench.pair().near, 7, 'stream')
    assert.deepEqual([...bench.wait()], [[7, WRITABLE]])
  })

  test('reports bytes that arrived before the stream was added', (bench) => {
    const { near, far } = bench.pair()
    sendText(far, 'early')
    waitReadable(near)
    bench.poller.add(near, 7, 'stream')
    assert.equal(bench.wait().get(7), READABLE | WRITABLE)
  })
}

function removing(test: Test): void {
  test('returns a negated errno for a descriptor that cannot be watched', ({ poller }) => {
    assert.equal(poller.add(1_000_000, 7, 'stream'), -EBADF)
    const wake = openEventFd()
    assert.equal(poller.add(wake.fd, 7, 'level'), 0)
    assert.equal(poller.add(wake.fd, 8, 'level'), -EEXIST)
    assert.equal(poller.remove(wake.fd, 7), 0)
    assert.ok(poller.remove(wake.fd, 7) < 0)
    wake.close()
  })

  test('reports nothing for a descriptor after remove', (bench) => {
    const { near, far } = bench.quietStream(7)
    assert.equal(bench.poller.remove(near, 7), 0)
    sendText(far, 'x')
    waitReadable(near)
    bench.assertQuiet()
    assert.equal(bench.poller.add(near, 8, 'stream'), 0, 'and may be added again')
    assert.equal(bench.wait().get(8), READABLE | WRITABLE)
  })

  test('reports nothing for a descriptor after forget and close, and its number can be added again', (bench) => {
    const { near, far } = tcpPair()
    bench.poller.add(near, 7, 'stream')
    bench.poller.forget(near, 7)
    closeAll(near)
    bench.assertQuiet()
    const successor = bench.pair(unixPair())
    assert.ok(successor.near === near || successor.far === near, 'the kernel gives the lowest free numbers')
    assert.equal(bench.poller.add(near, 8, 'stream'), 0)
    assert.deepEqual([...bench.wait()], [[8, WRITABLE]])
    closeAll(far)
  })

  test('reports nothing for a descriptor that was closed without forget', (bench) => {
    const { near, far } = tcpPair()
    const other = bench.quietStream(8)
    bench.poller.add(near, 7, 'stream')
    closeAll(near, far)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
    sendText(other.far, 'x')
    bench.waitFor(8, READABLE)
  })

  test('reports the remaining descriptors after others were removed', (bench) => {
    const tokens = Array.from({ length: 100 }, (_, token) => token)
    const pairs = tokens.map((token) => bench.quietStream(token, unixPair()))
    const left = new Map(pairs.entries())
    for (const token of [0, 99, 50, 98, 1, 64, 63]) {
      const { near } = left.get(token) as Pair
      assert.equal(bench.poller.remove(near, token), 0)
      left.delete(token)
    }
    for (const [token, { far }] of left) {
      sendText(far, 'x')
      assert.deepEqual([...bench.wait().keys()], [token])
    }
  })
}

function pausing(test: Test): void {
  test('reports bytes of a paused stream only after again', (bench) => {
    const { near, far } = bench.quietStream(7)
    for (let round = 0; round < 3; round++) {
      bench.poller.pauseReads(near, 7)
      sendText(far, 'x')
      waitReadable(near)
      bench.assertQuiet()
      bench.poller.again(near, 7, READABLE)
      assert.ok(((bench.wait().get(7) ?? 0) & READABLE) !== 0, `round ${round}`)
      assert.equal(drainDry(near), 1)
      bench.poller.again(near, 7, READABLE)
      bench.assertQuiet()
    }
  })

  test('waitBriefly returns without an event, and reports one that is pending', (bench) => {
    const { near, far } = bench.quietStream(7)
    assert.equal(done(bench.poller.waitBriefly(bench.ready)), 0)
    sendText(far, 'x')
    waitReadable(near)
    assert.equal(done(bench.poller.waitBriefly(bench.ready)), 1)
    assert.equal(bench.ready.tokens[0], 7)
  })

  test('reports the end of a paused stream', (bench) => {
    const { near, far } = bench.quietStream(7)
    bench.poller.pauseReads(near, 7)
    calls.shutdownWrite(far)
    assert.equal(bench.waitFor(7, PEER_ENDED), PEER_ENDED)
  })

  test('a stream does not inherit the pause of an earlier watch of its descriptor', (bench) => {
    const first = bench.quietStream(7)
    bench.poller.pauseReads(first.near, 7)
    done(bench.poller.remove(first.near, 7))
    assert.equal(bench.poller.add(first.near, 8, 'stream'), 0)
    bench.wait()
    bench.poller.again(first.near, 8, READABLE)
    bench.assertQuiet()
    sendText(first.far, 'x')
    assert.ok(((bench.wait().get(8) ?? 0) & READABLE) !== 0)
  })
}

function edges(test: Test): void {
  test('reports bytes of a stream once, until again and the next bytes', (bench) => {
    const { near, far } = bench.quietStream(7)
    for (let round = 0; round < 3; round++) {
      sendText(far, 'x')
      assert.ok(((bench.wait().get(7) ?? 0) & READABLE) !== 0, `round ${round}`)
      bench.assertQuiet()
      bench.assertQuiet()
      assert.equal(drainDry(near), 1)
      bench.poller.again(near, 7, READABLE)
      bench.assertQuiet()
    }
  })

  test('reports a full stream as writable when it has room', (bench) => {
    const { near, far } = bench.quietStream(7)
    fillUp(near)
    bench.poller.again(near, 7, WRITABLE)
    bench.assertQuiet()
    waitReadable(far)
    while (bench.wait(0).size === 0) drainDry(far)
    assert.ok(calls.send(near, mapPrivate(1), 0, 1) > 0, 'there is room')
  })

  test('does not spin on a writable stream that is armed for reading only', (bench) => {
    bench.quietStream(7)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('reports only the stream that has bytes', (bench) => {
    const [one, other] = [bench.quietStream(1), bench.quietStream(2)]
    sendText(other.far, 'x')
    assert.deepEqual([...bench.wait().keys()], [2])
    sendText(one.far, 'x')
    assert.deepEqual([...bench.wait().keys()], [1])
  })
}

function levels(test: Test): void {
  test('reports a level on every wait while it is readable, and never as writable', (bench) => {
    const wake = openEventFd()
    bench.poller.add(wake.fd, 7, 'level')
    bench.assertQuiet()
    wake.wake()
    for (let i = 0; i < 3; i++) assert.deepEqual([...bench.wait()], [[7, READABLE]])
    wake.clear()
    bench.assertQuiet()
    wake.wake()
    assert.deepEqual([...bench.wait()], [[7, READABLE]])
    bench.poller.remove(wake.fd, 7)
    bench.assertQuiet()
    wake.close()
  })

  test('reports a listener until its accept queue is empty', (bench) => {
    const address = mapPrivate(SOCKADDR_BYTES_MAX)
    const listener = listenOnLoopback(address)
    const clients = [0, 1].map(() => done(calls.socket(AF_INET, SOCK_STREAM, 0)))
    for (const client of clients) calls.connect(client, address, 16)
    bench.poller.add(listener, 7, 'level')
    const accepted: Fd[] = []
    while (accepted.length < 2) {
      assert.deepEqual([...bench.wait()], [[7, READABLE]])
      accepted.push(done(calls.accept(listener, address)))
    }
    bench.assertQuiet()
    closeAll(listener, ...clients, ...accepted)
  })
}

function endings(test: Test): void {
  for (const [kind, pairOf] of [
    ['TCP', tcpPair],
    ['Unix', unixPair],
  ] as const) {
    test(`reports the end of a ${kind} stream as PEER_ENDED, once`, (bench) => {
      const { near, far } = bench.quietStream(7, pairOf())
      calls.shutdownWrite(far)
      const reported = bench.waitFor(7, READABLE | PEER_ENDED)
      assert.equal(reported & (FAILED | HUNG_UP), 0, 'half of the connection is open')
      bench.assertQuiet()
      assert.equal(drainDry(near), 0)
    })
  }

  test('reports bytes and the end that arrived together', (bench) => {
    const { near, far } = bench.quietStream(7)
    sendText(far, 'last words')
    calls.shutdownWrite(far)
    bench.waitFor(7, READABLE | PEER_ENDED)
    assert.equal(drainDry(near), 10)
  })

  test('reports a reset as FAILED, once', (bench) => {
    const { far } = bench.quietStream(7)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('reports a reset that follows unread bytes', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
  })

  test('reports a shutdown of both sides as HUNG_UP, and does not spin on it', (bench) => {
    const { near, far } = bench.quietStream(7)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, PEER_ENDED | HUNG_UP)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('reports a refused connection', (bench) => {
    const address = mapPrivate(SOCKADDR_BYTES_MAX)
    calls.close(listenOnLoopback(address))
    const near = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    calls.connect(near, address, 16)
    bench.poller.add(near, 7, 'stream')
    bench.poller.again(near, 7, WRITABLE)
    bench.waitFor(7, FAILED | HUNG_UP)
    calls.close(near)
  })

  test('reports urgent data as URGENT', (bench) => {
    const { far } = bench.quietStream(7)
    sendUrgent(far)
    bench.waitFor(7, URGENT)
  })
}

function waiting(test: Test): void {
  test('waits at least as long as asked, rounded up, when nothing happens', (bench) => {
    for (const timeoutMs of [0, 0.2, 1, 7.5]) {
      const before = performance.now()
      assert.equal(bench.wait(timeoutMs).size, 0)
      const waited = performance.now() - before
      assert.ok(waited >= timeoutMs, `waited ${waited} ms instead of ${timeoutMs}`)
    }
  })

  test('waits as long as asked while a stream is paused', (bench) => {
    const { near } = bench.quietStream(7)
    bench.poller.pauseReads(near, 7)
    const before = performance.now()
    assert.equal(bench.wait(600).size, 0)
    assert.ok(performance.now() - before >= 600)
  })

  test('rounds a fraction of a millisecond up, so that a loop with a timer does not spin', (bench) => {
    let rounds = 0
    for (const end = performance.now() + 20; performance.now() < end; rounds++) bench.wait(0.01)
    assert.ok(rounds <= 21, `${rounds} waits in 20 ms`)
  })

  test('waits without limit for Infinity', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    assert.equal(bench.wait(Number.POSITIVE_INFINITY).size, 1)
  })

  test('caps timeouts beyond the range of the system call', (bench) => {
    const { near } = bench.pair()
    for (const timeoutMs of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53]) {
      assert.equal(bench.poller.add(near, 7, 'stream'), 0)
      assert.equal(bench.wait(timeoutMs).size, 1)
      bench.poller.remove(near, 7)
    }
  })

  test('a signal ends the wait and counts as no event', (bench) => {
    for (const timeoutMs of [EVENT_MAX_MS, Number.POSITIVE_INFINITY, 2 ** 40]) {
      const before = performance.now()
      assert.equal(
        interrupted(() => bench.poller.wait(bench.ready, timeoutMs)),
        0,
      )
      assert.ok(performance.now() - before < EVENT_MAX_MS, 'the signal has ended the wait')
    }
  })

  test('loses no event when more descriptors are ready than the list has room for', (bench) => {
    const small = new ReadyList(3)
    const tokens = Array.from({ length: 10 }, (_, token) => token)
    const pairs = tokens.map((token) => bench.quietStream(token))
    for (const { near, far } of pairs) {
      sendText(far, 'x')
      waitReadable(near)
    }
    const seen = new Set<number>()
    for (let rounds = 0; seen.size < tokens.length; rounds++) {
      assert.ok(rounds < tokens.length, `only ${[...seen]} were reported`)
      const count = done(bench.poller.wait(small, EVENT_MAX_MS))
      assert.ok(count > 0 && count <= 3)
      for (let i = 0; i < count; i++) seen.add(small.tokens[i] ?? -1)
    }
    bench.assertQuiet()
  })
}

/** Records the events of its descriptor, and calls `act` on each. */
class Recorder implements Watcher {
  token = NO_TOKEN
  readonly events: number[] = []
  readonly #act: () => void

  constructor(act: () => void = () => {}) {
    this.#act = act
  }

  onReady(readiness: number): void {
    this.events.push(readiness)
    this.#act()
  }
}

function throughTheLoop(test: Test): void {
  test('a descriptor that is closed and reused within one batch gets no event of its predecessor', (bench) => {
    const loop = new Loop(bench.poller, linuxSystem().clock)
    const [one, other] = [bench.pair(unixPair()), unixPair()]
    const successor = new Recorder()
    let reused: Pair | undefined
    const closeTheOther = () => {
      if (reused !== undefined) return
      const [victim, fd] = second.events.length > 0 ? [first, one.near] : [second, other.near]
      loop.forget(fd, victim)
      calls.close(fd)
      reused = bench.pair(unixPair())
      assert.ok(reused.near === fd || reused.far === fd, 'the kernel gives the lowest free number')
      done(loop.watch(fd, successor, 'stream'))
    }
    const first: Recorder = new Recorder(closeTheOther)
    const second: Recorder = new Recorder(closeTheOther)
    for (const { near, far } of [one, other]) {
      sendText(far, 'x')
      waitReadable(near)
    }
    done(loop.watch(one.near, first, 'stream'))
    done(loop.watch(other.near, second, 'stream'))
    loop.turn(0)
    assert.equal(first.events.length + second.events.length, 1, 'the closed watcher gets no event')
    assert.deepEqual(successor.events, [])
    loop.turn(0)
    assert.deepEqual(successor.events, [WRITABLE], 'its own events are reported')
    calls.close(other.far)
  })
}
