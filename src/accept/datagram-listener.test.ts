import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import { calls, closeAll, done, recvText, waitReadable } from '../../test/support/sockets.js'
import { openUdp, portOf, sendTo } from '../../test/support/udp.js'
import { COUNTERS, LISTENER_COUNTERS } from '../cells/layout.js'
import type { Calls, Fd } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { type DatagramCalls, datagramCalls } from '../kernel/datagrams.js'
import { EADDRNOTAVAIL, EAGAIN, EMFILE } from '../kernel/errno.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { portIn } from '../kernel/sockaddr.js'
import { NO_OPTIONS } from '../kernel/socket-options.js'
import { COUNT, CounterTable, LISTENER_COUNT } from '../observe/counters.js'
import { Loop } from '../reactor/loop.js'
import { describePeer } from '../relay/peer-name.js'
import { openListener } from './bind.js'
import { ConnectionLimit, type Overload } from './connection-limit.js'
import { DatagramListener, DatagramMemory } from './datagram-listener.js'
import { PLAIN_LISTENER } from './options.js'

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

interface Delivered {
  readonly fd: Fd
  readonly port: number
  readonly text: string
}

const worlds: World[] = []
afterEach(() => {
  for (const world of worlds.splice(0)) world.leave()
})

/** A UDP listener on a real port, in a loop that the test drives. */
class World {
  readonly poller = new FakePoller()
  readonly clock = new FakeClock()
  readonly loop = new Loop(this.poller, this.clock)
  readonly counters = new Float64Array(COUNTERS.length)
  /** One row: every listener of these tests has slot 0. */
  readonly ofListener = new Float64Array(LISTENER_COUNTERS.length)
  readonly listenerCounters = new CounterTable(this.ofListener, LISTENER_COUNTERS.length, [0])
  readonly lines: string[] = []
  readonly delivered: Delivered[] = []
  readonly fd: Fd
  readonly port: number
  readonly listener: DatagramListener
  readonly connectionLimit: ConnectionLimit
  readonly clients: Fd[] = []
  /** The errno that `socket` returns instead of a descriptor. */
  shortage = 0
  /** Sockets whose first receive is to find an empty queue. */
  readonly late = new Set<Fd>()
  isAdmitted = true
  users = 0
  isOpen = true

  constructor(overriding: Partial<Calls> = {}, usersMax = 1_000, overload: Overload = 'queue') {
    const log = (_severity: number, line: string) => void this.lines.push(line)
    const system = { calls: { ...calls, ...overriding }, clock: this.clock }
    const own = datagramCalls()
    this.connectionLimit = new ConnectionLimit(
      () => usersMax,
      () => this.users,
      this.loop,
      log,
      overload,
    )
    const context = {
      system,
      loop: this.loop,
      counters: this.counters,
      listenerCounters: this.listenerCounters,
      log,
      hasRoom: () => this.connectionLimit.hasRoom(),
      onFull: () => this.connectionLimit.onFull(),
      isSiblingNext: undefined,
      datagrams: {
        ...own,
        receive: (...args: Parameters<DatagramCalls['receive']>) =>
          this.late.delete(args[0]) ? -EAGAIN : own.receive(...args),
        socket: (family: number) => this.shortage || own.socket(family),
      },
      memory: new DatagramMemory(),
      admits: () => this.isAdmitted,
      describePeer,
      deliverDatagram: (
        fd: Fd,
        _slot: number,
        peer: { readonly bytes: Uint8Array },
        _local: unknown,
        bytes: Uint8Array,
      ) => {
        this.users++
        this.delivered.push({ fd, port: portIn(peer.bytes), text: Buffer.from(bytes).toString() })
      },
    }
    this.fd = done(
      openListener(calls, {
        ...PLAIN_LISTENER,
        address: { family: 'ipv4', host: '0.0.0.0', port: 0 },
        backlog: 1,
        keepAlive: { isOn: false, idleS: 0, intervalS: 0, count: 0 },
        isUdp: true,
      }),
    )
    this.port = portOf(this.fd)
    this.listener = new DatagramListener(context, 0, 'listener', this.fd, NO_OPTIONS)
    this.connectionLimit.add(this.listener)
    worlds.push(this)
  }

  client(): Fd {
    const fd = openUdp()
    this.clients.push(fd)
    return fd
  }

  send(client: Fd, text: string): void {
    sendTo(client, text, '127.0.0.1', this.port)
  }

  turn(): void {
    waitReadable(this.fd)
    this.poller.makeReady(this.fd)
    this.loop.turn(0)
    this.loop.turn(0)
  }

  texts(): string[] {
    return this.delivered.map(({ text }) => text)
  }

  leave(): void {
    if (this.isOpen) this.connectionLimit.stop(() => 'now')
    closeAll(...this.clients, ...this.delivered.map(({ fd }) => fd))
    this.poller.close()
  }
}

test('delivers each datagram with a socket connected to its sender and bound to its destination', () => {
  const world = new World()
  const [client, other] = [world.client(), world.client()]
  world.send(client, 'one')
  world.turn()
  const [delivered] = world.delivered
  assert.ok(delivered)
  assert.deepEqual([delivered.port, delivered.text], [portOf(client), 'one'])
  world.send(client, 'two')
  world.send(other, 'of another')
  waitReadable(delivered.fd)
  assert.equal(recvText(delivered.fd), 'two')
  world.turn()
  assert.deepEqual(world.texts(), ['one', 'of another'])
  sendTo(delivered.fd, 'answer', '127.0.0.1', portOf(client))
  waitReadable(client)
  assert.equal(recvText(client), 'answer')
})

test('a datagram of another client that arrives before connect is not attributed to this client', () => {
  let between: () => void = () => {}
  const world: World = new World({
    bind: (fd, address, byteCount) => {
      const outcome = calls.bind(fd, address, byteCount)
      between()
      return outcome
    },
  })
  const [first, second, third] = [world.client(), world.client(), world.client()]
  const strays = [
    [second, 'of the second'],
    [third, 'of the third'],
    [first, 'the next of the first'],
  ] as const
  between = () => {
    between = () => {}
    for (const [client, text] of strays) world.send(client, text)
  }
  world.send(first, 'of the first')
  world.turn()
  assert.deepEqual(
    world.delivered.map(({ port, text }) => [port, text]),
    [[portOf(first), 'of the first'], ...strays.map(([client, text]) => [portOf(client), text])],
  )
})

test('a datagram of another client that is queued after connect is not attributed to this client', () => {
  let between: (fd: Fd) => void = () => {}
  const world: World = new World({
    bind: (fd, address, byteCount) => {
      const outcome = calls.bind(fd, address, byteCount)
      between(fd)
      return outcome
    },
  })
  const [first, second, third] = [world.client(), world.client(), world.client()]
  between = (fd) => {
    between = () => {}
    world.late.add(fd)
    world.send(second, 'of the second')
    world.send(third, 'of the third')
    world.send(first, 'the next of the first')
  }
  world.send(first, 'of the first')
  world.turn()
  world.loop.turn(0)
  assert.deepEqual(
    world.delivered.map(({ port, text }) => [port, text]),
    [
      [portOf(first), 'of the first'],
      [portOf(second), 'of the second'],
      [portOf(third), 'of the third'],
    ],
  )
  assert.equal(recvText(world.delivered[0]?.fd ?? -1), 'the next of the first')
})

test('connected sockets are delivered when the listener is detached or closed', () => {
  for (const end of ['detach', 'close'] as const) {
    const world = new World()
    world.send(world.client(), 'one')
    waitReadable(world.fd)
    world.poller.makeReady(world.fd)
    world.loop.turn(0)
    assert.deepEqual(world.texts(), [])
    if (end === 'detach') world.listener.detach()
    else world.listener.close('now')
    world.isOpen = end === 'detach'
    assert.deepEqual(world.texts(), ['one'])
  }
})

test('ignores empty datagrams and those of rejected senders', () => {
  const world = new World()
  const client = world.client()
  world.send(client, '')
  world.turn()
  world.isAdmitted = false
  world.send(client, 'no')
  world.turn()
  world.isAdmitted = true
  world.send(client, 'yes')
  world.turn()
  assert.deepEqual(world.texts(), ['yes'])
})

test('leaves datagrams in the kernel while there is no descriptor', () => {
  const world = new World()
  world.shortage = -EMFILE
  world.send(world.client(), 'one')
  world.turn()
  world.turn()
  assert.deepEqual(world.delivered, [])
  assert.equal(world.lines.length, 1)
  assert.match(world.lines[0] ?? '', /^listener: cannot accept: too many open files/)
  assert.equal(world.counters[COUNT.acceptPauses], 1)
  world.shortage = 0
  world.clock.nowMs += 300
  world.loop.turn(0)
  world.turn()
  assert.deepEqual(world.texts(), ['one'])
})

test('at the limit datagrams wait, or are dropped and counted', () => {
  const queueing = new World({}, 1)
  const client = queueing.client()
  queueing.send(client, 'one')
  queueing.turn()
  queueing.send(queueing.client(), 'two')
  queueing.turn()
  assert.deepEqual(queueing.texts(), ['one'])
  queueing.users = 0
  queueing.connectionLimit.onRoom()
  queueing.turn()
  assert.deepEqual(queueing.texts(), ['one', 'two'])

  const dropping = new World({}, 0, 'close')
  dropping.send(dropping.client(), 'one')
  dropping.turn()
  assert.deepEqual(dropping.texts(), [])
  assert.equal(dropping.counters[COUNT.turnedAway], 1)
  assert.equal(dropping.ofListener[LISTENER_COUNT.turnedAway], 1)
})

test('delivers queued datagrams before it closes', () => {
  const world = new World()
  for (let i = 0; i < 5; i++) world.send(world.client(), `${i}`)
  waitReadable(world.fd)
  world.isOpen = false
  world.connectionLimit.stop(() => 'after-queue')
  assert.deepEqual(world.texts(), ['0', '1', '2', '3', '4'])
})

test('drops and logs a datagram whose sender cannot be connected to', () => {
  const world = new World({ connect: () => -EADDRNOTAVAIL })
  world.send(world.client(), 'one')
  world.turn()
  assert.deepEqual(world.texts(), [])
  assert.match(
    world.lines[0] ?? '',
    /^listener: dropped datagram from 127\.0\.0\.1:\d+: cannot connect a socket to it: /,
  )
})

test('no other program can bind the port, also after clients have sent', () => {
  const world = new World()
  world.send(world.client(), 'one')
  world.turn()
  assert.equal(calls.getOption(world.fd, c.SOL_SOCKET, c.SO_REUSEADDR), 0)
})
