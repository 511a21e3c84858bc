import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Fd } from '../../src/kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.js'
import { EBADF, EEXIST } from '../../src/kernel/errno.js'
import { openWakeFd } from '../../src/kernel/eventfd.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
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
  tcpPair,
  unixPair,
  waitReadable,
} from '../support/sockets.js'

/** Promises that one poller cannot keep, each with the reason. */
export type Skips = Partial<Record<'failures' | 'forgetsClosed', string>>

/** Far longer than anything here takes: an event that has not come by then never comes. */
const EVENT_MAX_MS = 5_000

/** One poller under test, and what it was given. */
class Bench {
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

/**
 * What the loop and the sessions rely on, whatever waits for descriptors. A new poller is finished when this
 * suite passes for it.
 */
export function pollerContract(name: string, open: () => Poller, skips: Skips = {}): void {
  const test = (title: string, run: (bench: Bench) => void, skip?: string): void => {
    it(title, skip === undefined ? {} : { skip }, () => {
      const bench = new Bench(open())
      try {
        run(bench)
      } finally {
        bench.close()
      }
    })
  }
  describe(`${name} keeps the poller contract`, () => {
    tokensAndReadiness(test, skips)
    edges(test)
    hushing(test)
    levels(test)
    endings(test)
    waiting(test)
    throughTheLoop(test)
  })
}

type Test = (title: string, run: (bench: Bench) => void, skip?: string) => void

function tokensAndReadiness(test: Test, skips: Skips): void {
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

  test(
    'answers a negated errno to what cannot be watched',
    ({ poller }) => {
      assert.equal(poller.add(1_000_000, 7, 'stream'), -EBADF)
      const wake = openWakeFd()
      assert.equal(poller.add(wake.fd, 7, 'level'), 0)
      assert.equal(poller.add(wake.fd, 8, 'level'), -EEXIST)
      assert.equal(poller.remove(wake.fd, 7), 0)
      assert.ok(poller.remove(wake.fd, 7) < 0)
      wake.close()
    },
    skips.failures,
  )

  test('tells nothing of a descriptor that was removed', (bench) => {
    const { near, far } = bench.quietStream(7)
    assert.equal(bench.poller.remove(near, 7), 0)
    sendText(far, 'x')
    waitReadable(near)
    bench.assertQuiet()
    assert.equal(bench.poller.add(near, 8, 'stream'), 0, 'and may be added again')
    assert.equal(bench.wait().get(8), READABLE | WRITABLE)
  })

  test(
    'tells nothing of a descriptor that was closed',
    (bench) => {
      const { near, far } = tcpPair()
      bench.poller.add(near, 7, 'stream')
      closeAll(near)
      bench.assertQuiet()
      closeAll(far)
    },
    skips.forgetsClosed,
  )
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
    const region = mapPrivate(1)
    const send = nativeFunction<(fd: Fd, bytes: bigint, count: number, flags: number) => number>(
      'int send(int fd, uintptr_t bytes, size_t count, int flags)',
    )
    const MSG_OOB = 1
    assert.equal(send(far, region.pointer, 1, MSG_OOB), 1)
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
      loop.forget(victim)
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
