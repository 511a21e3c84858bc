import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { FakeClock } from '../../test/support/fake-poller.js'
import { calls, closeAll, recvText, sendText, unixPair } from '../../test/support/sockets.js'
import { messages, plainAccept, summary, WirePeer, wirePair } from '../../test/support/wire-peer.js'
import type { Calls, Fd } from '../kernel/calls.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import { openEpoll } from '../reactor/epoll.js'
import { Loop } from '../reactor/loop.js'
import { type AcceptMessage, DONE, DYING, KEEPALIVE, MAX, MAY_DIE, UDPDATA } from '../wire/child-message.js'
import { WireEnd } from './wire-end.js'

const KEEPALIVE_MS = 1_000

/** A WireEnd over the real kernel; the test plays the master. */
class World {
  readonly clock = new FakeClock()
  readonly poller = openEpoll()
  readonly loop = new Loop(this.poller, this.clock)
  readonly lines: string[] = []
  readonly clients: { readonly fd: Fd; readonly message: AcceptMessage }[] = []
  readonly closed: Fd[] = []
  readonly master: WirePeer
  readonly wireEnd: WireEnd
  readonly fd: Fd
  mayDie = 0
  lost = 0
  #isMasterThere = true

  constructor(overriding: Partial<MessageCalls> = {}, answersDying = false) {
    const [near, far] = wirePair()
    this.master = new WirePeer(near)
    this.fd = far
    const noting: Calls = {
      ...calls,
      close: (fd) => {
        this.closed.push(fd)
        return calls.close(fd)
      },
    }
    const parts = {
      loop: this.loop,
      calls: noting,
      messages: { ...messages, ...overriding },
      log: (_severity: number, line: string) => void this.lines.push(line),
      answersDying,
      onClient: (fd: Fd, message: AcceptMessage) => void this.clients.push({ fd, message }),
      onMayDie: () => void this.mayDie++,
      onLostClient: () => void this.lost++,
    }
    this.wireEnd = new WireEnd(parts, far)
    worlds.push(this)
    this.wireEnd.open(100)
    this.turns()
  }

  pass(ms: number): void {
    this.clock.nowMs += ms
    this.turns()
  }

  turns(count = 4): void {
    for (let i = 0; i < count; i++) this.loop.turn(0)
  }

  /** The master's process ends. */
  loseMaster(): void {
    if (this.#isMasterThere) this.master.close()
    this.#isMasterThere = false
  }

  leave(): void {
    this.loseMaster()
    closeAll(this.fd, ...this.clients.map(({ fd }) => fd))
    this.poller.close()
  }
}

const worlds: World[] = []
afterEach(() => {
  for (const world of worlds.splice(0)) world.leave()
})

test('the first message is MAX', () => {
  const { master } = new World()
  assert.deepEqual(summary(master.hear()), [[MAX, 100]])
})

test('receives a client with its descriptor and the data of the master', () => {
  const world = new World()
  const client = unixPair()
  const message = { ...plainAccept, realm: 'a realm', flags: 3, listenerMark: 7 }
  world.master.handOver(client.far, message)
  closeAll(client.far)
  world.turns()
  const [got] = world.clients
  assert.deepEqual(got?.message, message)
  sendText(client.near, 'hello')
  assert.equal(recvText(got?.fd ?? -1), 'hello')
  closeAll(client.near)
})

test('connections that end in one turn are reported by one message', () => {
  const world = new World()
  world.master.hear()
  for (let i = 0; i < 5; i++) world.wireEnd.countDone()
  world.turns()
  world.wireEnd.countDone()
  world.turns()
  assert.deepEqual(summary(world.master.hear()), [
    [DONE, 5],
    [DONE, 1],
  ])
})

test('MAY_DIE is handled after all clients sent before it', () => {
  const world = new World()
  const client = unixPair()
  const counts: number[] = []
  let sent = 0
  while (sent < 500) {
    if (world.master.handOver(client.far) === 1) sent++
    else world.turns(1)
  }
  while (world.master.say(MAY_DIE) < 0) world.turns(1)
  for (let turn = 0; world.mayDie === 0 && turn < 50; turn++) {
    world.turns(1)
    counts.push(world.clients.length)
  }
  assert.deepEqual([world.mayDie, world.clients.length], [1, 500])
  closeAll(client.near, client.far)
})

test('a burst of clients is received over several turns', () => {
  const world = new World()
  const client = unixPair()
  // More than one turn takes, which the default buffer of a socket pair cannot hold.
  let waiting = 0
  while (world.master.handOver(client.far) === 1) waiting++
  assert.ok(waiting > 256, `the socket takes ${waiting}`)
  world.turns(1)
  assert.equal(world.clients.length, 256)
  world.turns(3)
  assert.equal(world.clients.length, waiting)
  closeAll(client.near, client.far)
})

test('10,000 messages to a master that does not read cause no deadlock and lose no count', () => {
  const world = new World()
  world.master.hear()
  let ended = 0
  for (let i = 0; i < 10_000; i++) {
    world.wireEnd.countDone()
    world.loop.turn(0)
    ended++
  }
  let counted = 0
  let heardCount = 0
  for (let turn = 0; counted < ended && turn < 10_000; turn++) {
    const heard = world.master.hear(64).filter(({ type }) => type === DONE)
    counted += heard.reduce((sum, { count }) => sum + count, 0)
    heardCount += heard.length
    world.turns(1)
  }
  assert.equal(counted, ended)
  assert.ok(heardCount < 1_000, `what waits is summed: ${heardCount} messages`)
})

test('pending messages are sent in order', () => {
  const world = new World()
  while (world.master.hear().length > 0);
  let said = 0
  for (let i = 0; i < 2_000; i++) {
    world.wireEnd.countDone()
    world.loop.turn(0)
    said++
  }
  world.wireEnd.sayDying()
  world.wireEnd.countDone()
  const heard: [number | undefined, number][] = []
  for (let turn = 0; turn < 200; turn++) {
    heard.push(...world.master.hear(64).map(({ count, type }): [number | undefined, number] => [type, count]))
    world.turns(1)
  }
  const dyingAt = heard.findIndex(([type]) => type === DYING)
  const sum = (some: typeof heard) => some.reduce((total, [, count]) => total + count, 0)
  assert.deepEqual(
    [sum(heard.slice(0, dyingAt)), heard.slice(dyingAt)],
    [
      said,
      [
        [DYING, 0],
        [DONE, 1],
      ],
    ],
  )
})

test('an ACCEPT without its descriptor counts as an ended client', () => {
  const world = new World()
  world.master.hear()
  const bytes = new Uint8Array(40)
  bytes[0] = 6
  world.master.sayBytes(bytes)
  world.turns()
  assert.deepEqual(summary(world.master.hear()), [[DONE, 1]])
  assert.equal(world.lost, 0)
})

test('a client lost for lack of descriptors is reported and counts as ended', () => {
  const MSG_CTRUNC = 8
  const HEADER_FLAGS = 48
  const world = new World({
    receive(fd, batch) {
      const count = messages.receive(fd, batch)
      for (let i = 0; i < count; i++) {
        if (batch.receivedFd(i) >= 0) calls.close(batch.receivedFd(i))
        const at = i * 64
        new DataView(batch.bytes.buffer).setBigUint64(at + 40, 0n, true)
        new DataView(batch.bytes.buffer).setInt32(at + HEADER_FLAGS, MSG_CTRUNC, true)
      }
      return count
    },
  })
  world.master.hear()
  const client = unixPair()
  world.master.handOver(client.far)
  world.turns()
  assert.deepEqual([world.lost, world.clients.length], [1, 0])
  assert.deepEqual(summary(world.master.hear()), [[DONE, 1]])
  closeAll(client.near, client.far)
})

test('datagrams end at once, unknown messages are logged, and descriptors are closed', () => {
  const world = new World()
  world.master.hear()
  const client = unixPair()
  const udp = new Uint8Array(60)
  udp[0] = UDPDATA
  world.master.sayBytes(udp, client.far)
  world.turns()
  assert.deepEqual(summary(world.master.hear()), [[DONE, 1]])
  assert.equal(world.closed.length, 1)
  const unknown = Uint8Array.of(77, 0, 0, 0, 0, 0, 0, 0)
  world.master.sayBytes(unknown, client.far)
  world.master.sayBytes(Uint8Array.of(6, 0, 0), client.far)
  world.turns()
  assert.equal(world.closed.length, 3)
  assert.match(world.lines.join('|'), /unknown type 77\|.*unknown type \(too short\)$/)
  assert.deepEqual([world.clients.length, world.master.hear().length], [0, 0])
  closeAll(client.near, client.far)
})

test('the end of the master is noticed within a second, and once', () => {
  const world = new World()
  world.pass(KEEPALIVE_MS)
  assert.deepEqual(summary(world.master.hear()), [
    [MAX, 100],
    [KEEPALIVE, 0],
  ])
  world.loseMaster()
  world.turns()
  assert.equal(world.mayDie, 0)
  world.pass(KEEPALIVE_MS)
  assert.equal(world.mayDie, 1)
  assert.match(world.lines.join('|'), /^lost the connection to the master: [^|]+$/)
  world.wireEnd.countDone()
  world.wireEnd.sayDying()
  for (let i = 0; i < 5; i++) world.pass(KEEPALIVE_MS)
  assert.equal(world.mayDie, 1)
  assert.equal(world.loop.watchCount, 0)
})

test('a dying child receives clients in flight and ends on MAY_DIE', () => {
  const world = new World()
  world.master.hear()
  const client = unixPair()
  world.wireEnd.sayDying()
  world.master.handOver(client.far)
  world.turns()
  assert.deepEqual(summary(world.master.hear()), [[DYING, 0]])
  assert.deepEqual([world.clients.length, world.mayDie], [1, 0])
  world.master.say(MAY_DIE)
  world.turns()
  assert.equal(world.mayDie, 1)
  closeAll(client.near, client.far)
})

test('a dying child waits for a master of ours without limit', () => {
  const world = new World({}, true)
  world.wireEnd.sayDying()
  for (let i = 0; i < 60; i++) world.pass(KEEPALIVE_MS)
  assert.equal(world.mayDie, 0)
  world.master.say(MAY_DIE)
  world.turns()
  assert.equal(world.mayDie, 1)
})

test('a dying child does not wait for a master that has ended', () => {
  const world = new World({}, true)
  world.wireEnd.sayDying()
  world.loseMaster()
  world.pass(KEEPALIVE_MS)
  assert.equal(world.mayDie, 1)
})

for (const length of [41, 64, 65, 4_000]) {
  test(`an ACCEPT of ${length} bytes is rejected, logged, and counts as ended`, () => {
    const world = new World()
    world.master.hear()
    const client = unixPair()
    const bytes = new Uint8Array(length)
    bytes[0] = 6
    world.master.sayBytes(bytes, client.far)
    world.turns()
    assert.deepEqual([summary(world.master.hear()), world.clients, world.closed.length], [[[DONE, 1]], [], 1])
    const shown = length > 64 ? 'more than 64' : String(length)
    assert.deepEqual(world.lines, [
      `rejected a client: the master sent an ACCEPT of ${shown} bytes instead of 40`,
    ])
    closeAll(client.near, client.far)
  })
}

test('a dying child waits one second for a classic master', () => {
  const world = new World()
  world.pass(KEEPALIVE_MS / 2)
  world.wireEnd.sayDying()
  world.pass(KEEPALIVE_MS - 10)
  assert.equal(world.mayDie, 0)
  world.pass(20)
  assert.equal(world.mayDie, 1)
})

test('a master that does not read for hours gets one pending KEEPALIVE', () => {
  const world = new World()
  let sent = 0
  const countSent = () => {
    const heard = world.master.hear()
    sent += heard.length
    return heard.length
  }
  for (let i = 0; i < 10_000; i++) world.pass(KEEPALIVE_MS)
  const queued = countSent()
  for (;;) {
    world.turns()
    if (countSent() === 0) break
  }
  assert.ok(sent <= queued + 1, `${sent} messages, ${queued} of them in the queue`)
})
