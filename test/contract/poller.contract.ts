import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Fd } from '../../src/kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.js'
import { EBADF, EEXIST } from '../../src/kernel/errno.js'
import { openWakeFd } from '../../src/kernel/eventfd.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import { Loop, NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import {
  ENDED,
  FAILED,
  HUNG_UP,
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

/**
 * What the loop and the sessions rely on, whatever waits for descriptors. A new poller is finished when this
 * suite passes for it.
 */
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
    hushing(test)
    levels(test)
    endings(test)
    waiting(test)
    throughTheLoop(test)
  })
}

function tokensAndReadiness(test: Test): void {
  test('says its name', ({ poller }) => assert.match(poller.name, /^[a-z]+$/))

  test('gives back the token that it was given', (bench) => {
    for (const token of [0, 1, 0x7fff_ffff]) {
      const { near } = bench.pair()
      assert.equal(bench.poller.add(near, token, 'stream'), 0)
    }
    assert.deepEqual([...bench.wait().keys()].sort(), [0, 1, 0x7fff_ffff])
  })

  test('tells a new stream that it is writable', (bench) => {
    bench.poller.add(bench.pair().near, 7, 'stream')
    assert.deepEqual([...bench.wait()], [[7, WRITABLE]])
  })

  test('tells of bytes that came before the stream was added', (bench) => {
    const { near, far } = bench.pair()
    sendText(far, 'early')
    waitReadable(near)
    bench.poller.add(near, 7, 'stream')
    assert.equal(bench.wait().get(7), READABLE | WRITABLE)
  })
}

function removing(test: Test): void {
  test('answers a negated errno to what cannot be watched', ({ poller }) => {
    assert.equal(poller.add(1_000_000, 7, 'stream'), -EBADF)
    const wake = openWakeFd()
    assert.equal(poller.add(wake.fd, 7, 'level'), 0)
    assert.equal(poller.add(wake.fd, 8, 'level'), -EEXIST)
    assert.equal(poller.remove(wake.fd, 7), 0)
    assert.ok(poller.remove(wake.fd, 7) < 0)
    wake.close()
  })

  test('tells nothing of a descriptor that was removed', (bench) => {
    const { near, far } = bench.quietStream(7)
    assert.equal(bench.poller.remove(near, 7), 0)
    sendText(far, 'x')
    waitReadable(near)
    bench.assertQuiet()
    assert.equal(bench.poller.add(near, 8, 'stream'), 0, 'and may be added again')
    assert.equal(bench.wait().get(8), READABLE | WRITABLE)
  })

  test('tells nothing of a descriptor that was forgotten and closed, and its number is as new', (bench) => {
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

  test('tells nothing of a descriptor that was closed without a word', (bench) => {
    const { near, far } = tcpPair()
    const other = bench.quietStream(8)
    bench.poller.add(near, 7, 'stream')
    closeAll(near, far)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
    sendText(other.far, 'x')
    bench.waitFor(8, READABLE)
  })

  test('whoever is taken out, the others are told of as before', (bench) => {
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

function hushing(test: Test): void {
  test('tells a hushed stream of nothing until its owner asks again, and then of what came meanwhile', (bench) => {
    const { near, far } = bench.quietStream(7)
    for (let round = 0; round < 3; round++) {
      bench.poller.hush(near, 7)
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

  test('waits for a moment, not longer, and tells what happens in it', (bench) => {
    const { near, far } = bench.quietStream(7)
    assert.equal(done(bench.poller.waitBriefly(bench.ready)), 0)
    sendText(far, 'x')
    waitReadable(near)
    assert.equal(done(bench.poller.waitBriefly(bench.ready)), 1)
    assert.equal(bench.ready.tokens[0], 7)
  })

  test('tells a hushed stream of its end', (bench) => {
    const { near, far } = bench.quietStream(7)
    bench.poller.hush(near, 7)
    calls.shutdownWrite(far)
    assert.equal(bench.waitFor(7, ENDED), ENDED)
  })

  test('does not take a stream for the hushed one that had its descriptor before', (bench) => {
    const first = bench.quietStream(7)
    bench.poller.hush(first.near, 7)
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
  test('tells a stream once, until its owner asks again and there is news', (bench) => {
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

  test('tells of room once a full stream has some', (bench) => {
    const { near, far } = bench.quietStream(7)
    fillUp(near)
    bench.poller.again(near, 7, WRITABLE)
    bench.assertQuiet()
    waitReadable(far)
    while (bench.wait(0).size === 0) drainDry(far)
    assert.ok(calls.send(near, mapPrivate(1), 0, 1) > 0, 'there is room')
  })

  test('does not spin on a stream that is writable and whose owner waits for bytes only', (bench) => {
    bench.quietStream(7)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('keeps streams apart', (bench) => {
    const [one, other] = [bench.quietStream(1), bench.quietStream(2)]
    sendText(other.far, 'x')
    assert.deepEqual([...bench.wait().keys()], [2])
    sendText(one.far, 'x')
    assert.deepEqual([...bench.wait().keys()], [1])
  })
}

function levels(test: Test): void {
  test('tells a level again and again while it is readable, and not that it is writable', (bench) => {
    const wake = openWakeFd()
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

  test('tells a listener until nobody waits in its queue', (bench) => {
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
    test(`tells the end of a ${kind} stream as ENDED, once`, (bench) => {
      const { near, far } = bench.quietStream(7, pairOf())
      calls.shutdownWrite(far)
      const told = bench.waitFor(7, READABLE | ENDED)
      assert.equal(told & (FAILED | HUNG_UP), 0, 'half of the connection is open')
      bench.assertQuiet()
      assert.equal(drainDry(near), 0)
    })
  }

  test('tells bytes and the end that came together', (bench) => {
    const { near, far } = bench.quietStream(7)
    sendText(far, 'last words')
    calls.shutdownWrite(far)
    bench.waitFor(7, READABLE | ENDED)
    assert.equal(drainDry(near), 10)
  })

  test('tells a reset as FAILED, once', (bench) => {
    const { far } = bench.quietStream(7)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('tells a reset behind bytes that were not read', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
  })

  test('tells of both ends together as HUNG_UP, and does not spin on it', (bench) => {
    const { near, far } = bench.quietStream(7)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, ENDED | HUNG_UP)
    for (let i = 0; i < 10; i++) bench.assertQuiet()
  })

  test('tells a refused connection', (bench) => {
    const address = mapPrivate(SOCKADDR_BYTES_MAX)
    calls.close(listenOnLoopback(address))
    const near = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    calls.connect(near, address, 16)
    bench.poller.add(near, 7, 'stream')
    bench.poller.again(near, 7, WRITABLE)
    bench.waitFor(7, FAILED | HUNG_UP)
    calls.close(near)
  })

  test('tells urgent data as URGENT', (bench) => {
    const { far } = bench.quietStream(7)
    sendUrgent(far)
    bench.waitFor(7, URGENT)
  })
}

function waiting(test: Test): void {
  test('without news it waits at least as long as asked, rounded up', (bench) => {
    for (const timeoutMs of [0, 0.2, 1, 7.5]) {
      const before = performance.now()
      assert.equal(bench.wait(timeoutMs).size, 0)
      const waited = performance.now() - before
      assert.ok(waited >= timeoutMs, `waited ${waited} ms instead of ${timeoutMs}`)
    }
  })

  test('also while there is a stream that nobody reads', (bench) => {
    const { near } = bench.quietStream(7)
    bench.poller.hush(near, 7)
    const before = performance.now()
    assert.equal(bench.wait(600).size, 0)
    assert.ok(performance.now() - before >= 600)
  })

  test('a fraction of a millisecond is not zero: a loop that waits for a timer does not spin', (bench) => {
    let rounds = 0
    for (const end = performance.now() + 20; performance.now() < end; rounds++) bench.wait(0.01)
    assert.ok(rounds <= 21, `${rounds} waits in 20 ms`)
  })

  test('waits for ever for Infinity, until there is news', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    assert.equal(bench.wait(Number.POSITIVE_INFINITY).size, 1)
  })

  test('timeouts beyond what the kernel takes are long, not short', (bench) => {
    const { near } = bench.pair()
    for (const timeoutMs of [2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53]) {
      assert.equal(bench.poller.add(near, 7, 'stream'), 0)
      assert.equal(bench.wait(timeoutMs).size, 1)
      bench.poller.remove(near, 7)
    }
  })

  test('a signal counts as no event', (bench) => {
    for (const timeoutMs of [EVENT_MAX_MS, Number.POSITIVE_INFINITY, 2 ** 40]) {
      const before = performance.now()
      assert.equal(
        interrupted(() => bench.poller.wait(bench.ready, timeoutMs)),
        0,
      )
      assert.ok(performance.now() - before < EVENT_MAX_MS, 'the signal has ended the wait')
    }
  })

  test('loses nothing when more is ready than the list takes', (bench) => {
    const small = new ReadyList(3)
    const tokens = Array.from({ length: 10 }, (_, token) => token)
    const pairs = tokens.map((token) => bench.quietStream(token))
    for (const { near, far } of pairs) {
      sendText(far, 'x')
      waitReadable(near)
    }
    const seen = new Set<number>()
    for (let rounds = 0; seen.size < tokens.length; rounds++) {
      assert.ok(rounds < tokens.length, `only ${[...seen]} were told`)
      const count = done(bench.poller.wait(small, EVENT_MAX_MS))
      assert.ok(count > 0 && count <= 3)
      for (let i = 0; i < count; i++) seen.add(small.tokens[i] ?? -1)
    }
    bench.assertQuiet()
  })
}

/** Tells what its descriptor had to say, and does something the first time. */
class Recorder implements Watcher {
  token = NO_TOKEN
  readonly told: number[] = []
  readonly #act: () => void

  constructor(act: () => void = () => {}) {
    this.#act = act
  }

  onReady(readiness: number): void {
    this.told.push(readiness)
    this.#act()
  }
}

function throughTheLoop(test: Test): void {
  test('a descriptor that is closed and reused within one batch does not hear of its past', (bench) => {
    const loop = new Loop(bench.poller, linuxSystem().clock)
    const [one, other] = [bench.pair(unixPair()), unixPair()]
    const successor = new Recorder()
    let reused: Pair | undefined
    const closeTheOther = () => {
      if (reused !== undefined) return
      const [victim, fd] = second.told.length > 0 ? [first, one.near] : [second, other.near]
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
    assert.equal(first.told.length + second.told.length, 1, 'the victim hears nothing')
    assert.deepEqual(successor.told, [])
    loop.turn(0)
    assert.deepEqual(successor.told, [WRITABLE], 'its own news reach it')
    calls.close(other.far)
  })
}
