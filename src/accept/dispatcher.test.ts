import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { leaveWorlds, DispatcherWorld as World } from '../../test/support/dispatcher-world.js'
import { closeAll } from '../../test/support/sockets.js'
import { messages } from '../../test/support/wire-peer.js'
import { ETOOMANYREFS } from '../kernel/errno.js'
import {
  ACCEPT,
  BAD_CFG,
  DONE,
  DYING,
  encodeSmall,
  KEEPALIVE,
  MAX,
  MAY_DIE,
  UDPDATA,
} from '../wire/child-message.js'

const PLENTY = 20_000
const SHRINK_MS = 8_000

afterEach(leaveWorlds)

test('starts the minimum of children at once', () => {
  const world = new World({ instancesMin: 2 })
  assert.deepEqual(world.wanted, [0, 1])
  assert.equal(world.dispatcher.childCount, 2)
})

test('sends no client before the MAX of the child', () => {
  const world = new World()
  world.deliver(3)
  assert.deepEqual(world.heardBy(0), [0])
  assert.deepEqual([world.held.size, world.dispatcher.users], [3, 3])
  world.speak(0)
  assert.deepEqual(world.heardBy(0), [2])
  world.speak(1)
  assert.deepEqual(world.heardBy(1), [1])
  assert.equal(world.held.size, 0, 'the master keeps no copy of what is sent')
})

test('reports when a child has started', () => {
  const world = new World({ instancesMin: 2 })
  assert.deepEqual(world.started, [])
  world.speak(1)
  assert.deepEqual(world.started, [1])
})

test('retires a child after exactly `retire limit` clients', () => {
  const world = new World({ usersMin: 10, usersMax: 20 }, {}, 3)
  world.speak(0)
  world.deliver(2)
  assert.deepEqual([world.heardBy(0), world.wanted], [[2], [0]])
  world.deliver(1)
  assert.deepEqual(
    [world.heardBy(0), world.wanted],
    [
      [1, 'may die'],
      [0, 1],
    ],
  )
  world.deliver(5)
  world.speak(1, 2)
  assert.deepEqual([...world.heardBy(0), ...world.heardBy(1)], [0, 3, 'may die'])
  assert.deepEqual(world.heardBy(2), [2])
})

test('clients of a child that dies at start go to its successor', () => {
  const world = new World()
  world.deliver(2)
  world.die(0)
  assert.deepEqual(world.wanted, [0, 0])
  assert.equal(world.dispatcher.users, 2)
  world.speak(0)
  assert.deepEqual(world.heardBy(0), [2])
})

test('replaces a child that dies and subtracts its users', () => {
  const world = new World({ instancesMin: 2 })
  world.speak(0, 1)
  world.deliver(4)
  assert.equal(world.dispatcher.users, 4)
  const { rooms } = world
  world.die(0)
  assert.deepEqual(world.wanted, [0, 1, 0])
  assert.equal(world.dispatcher.users, 2)
  assert.ok(world.rooms > rooms, 'there is room again')
})

test('users 2/4 and instances 1/3: the documented pattern, and no room after it', () => {
  const world = new World()
  const seen: number[][] = []
  for (let i = 0; i < 12; i++) {
    assert.equal(world.dispatcher.hasRoom(), true)
    world.deliver()
    for (const slot of world.wanted) world.child(slot).say(MAX, 1_000)
    world.turns()
    seen.push([0, 1, 2].filter((slot) => world.children.has(slot) && world.heardBy(slot)[0] === 1))
  }
  assert.deepEqual(seen.flat(), [0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2])
  assert.equal(world.dispatcher.hasRoom(), false)
  world.child(1).say(DONE, 1)
  world.turns()
  assert.equal(world.dispatcher.hasRoom(), true)
  world.deliver()
  assert.deepEqual(world.heardBy(1), [1])
})

test('DONE subtracts its count, at least one and at most all users', () => {
  const world = new World({ usersMin: 10, usersMax: 10 })
  world.speak(0)
  world.deliver(8)
  const left = [3, 0, -1, 100].map((count) => {
    world.child(0).say(DONE, count)
    world.turns()
    return world.dispatcher.users
  })
  assert.deepEqual(left, [5, 4, 3, 0])
  assert.equal(world.rooms >= 4, true)
})

test('a child gets no more clients than its own maximum', () => {
  const world = new World({ instancesMax: 1 })
  world.child(0).say(MAX, 1)
  world.turns()
  world.deliver()
  assert.equal(world.dispatcher.hasRoom(), false)
  world.child(0).say(DONE, 1)
  world.turns()
  assert.equal(world.dispatcher.hasRoom(), true)
})

test('clients queued beyond the maximum of a child go to other children, or wait', () => {
  const world = new World({ instancesMax: 2, usersMin: 5, usersMax: 10 })
  world.deliver(7)
  world.child(0).say(MAX, 3)
  world.turns()
  assert.deepEqual(world.heardBy(0), [3])
  assert.deepEqual(world.wanted, [0, 1], 'another child is started for the rest')
  world.child(1).say(MAX, 2)
  world.turns()
  assert.deepEqual([world.heardBy(1), world.held.size], [[2], 2])
  for (const slot of [1, 0]) {
    world.child(slot).say(DONE, 1)
    world.turns()
    assert.deepEqual(world.heardBy(slot), [1])
  }
  assert.equal(world.held.size, 0)
})

test('sends MAY_DIE after the last queued client', () => {
  const world = new World({ instancesMin: 0 })
  world.deliver(2)
  world.dispatcher.stop()
  world.turns()
  assert.deepEqual(world.heardBy(0), [0], 'it has not said its maximum')
  world.speak(0)
  assert.deepEqual(world.heardBy(0), [2, 'may die'])
})

test('DYING: the child gets no more clients and is replaced', () => {
  const world = new World()
  world.speak(0)
  world.deliver()
  const { rooms } = world
  world.child(0).say(DYING)
  world.turns()
  assert.deepEqual(world.wanted, [0, 1])
  assert.ok(world.rooms > rooms, 'another free place may serve a waiting client')
  world.speak(1)
  world.deliver(2)
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[1, 'may die'], [2]])
  assert.equal(world.dispatcher.users, 3, 'who is with the dying child still counts')
})

test('DYING: clients queued for the child go to another one', () => {
  const world = new World({ instancesMax: 2 })
  world.deliver(2)
  world.child(0).say(DYING)
  world.turns()
  world.child(0).say(MAX, 10)
  world.speak(1)
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[0, 'may die'], [2]])
  assert.equal(world.dispatcher.users, 2)
})

test('sends MAY_DIE once to a retired child that sends DYING', () => {
  const world = new World({ instancesMin: 0 })
  world.deliver()
  world.speak(0)
  world.dispatcher.stop()
  world.turns()
  assert.deepEqual(world.heardBy(0), [1, 'may die'])
  world.child(0).say(DYING)
  world.turns()
  assert.deepEqual([world.heardBy(0), world.lines], [[0], []])
})

test('reports BAD_CFG once, with the slot', () => {
  const world = new World({ instancesMin: 2 })
  world.child(1).say(BAD_CFG)
  world.child(1).say(BAD_CFG)
  world.turns()
  assert.deepEqual(world.badConfigurations, [1])
})

for (const [what, bytes, violation] of [
  ['an unknown type', smallMessage(99), 'unknown message type 99'],
  ['a message that only a master sends', smallMessage(MAY_DIE), 'unknown message type 2'],
  ['three bytes', Uint8Array.of(1, 2, 3), 'a message of 3 bytes'],
  ['an empty message', new Uint8Array(), 'a message of 0 bytes'],
] as const) {
  test(`a child that sends ${what} is reported once and its clients go to another one`, () => {
    const world = new World({ instancesMax: 2 })
    world.deliver(2)
    world.child(0).sayBytes(bytes)
    for (let i = 0; i < 100; i++) world.child(0).sayBytes(bytes)
    world.turns()
    assert.deepEqual([world.violations, world.lines], [[`0: ${violation}`], []])
    world.speak(1)
    assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[0], [2]])
    world.die(0)
    assert.equal(world.violations.length, 1)
  })
}

test('a child that sends continuously does not delay the loop and loses no message', () => {
  let batches = 0
  const receive: typeof messages.receive = (fd, batch) => {
    batches++
    // The other end refills the socket.
    const count = messages.receive(fd, batch)
    if (batches < 1_000) while (world.child(0).say(KEEPALIVE) === 1);
    return count
  }
  const world = new World({}, { receive })
  world.child(0).say(KEEPALIVE)
  world.turns(1)
  assert.ok(batches <= 4, `${batches} batches in a turn`)
  world.turns(1_000)
  assert.ok(batches > 1_000)
  world.speak(0)
  assert.deepEqual(world.started, [0])
})

test('repeated MAX and DYING count once', () => {
  const world = new World()
  for (const type of [MAX, MAX, MAX, DYING, DYING, DYING]) world.child(0).say(type, 10)
  world.turns()
  assert.deepEqual([world.started, world.wanted], [[0], [0, 1]])
})

test('10,000 random messages cause one violation per child and no failure', () => {
  const seed = Date.now() % 2 ** 31
  const random = randomBytesOf(seed)
  const world = new World({ instancesMin: 2, instancesMax: 4 })
  const deaths = new Set<string>()
  for (let i = 0; i < 10_000; i++) {
    const [slot = 0] = world.children.keys()
    world.child(slot).sayBytes(random(i % 70))
    world.turns(1)
    if (world.violations.length === deaths.size) continue
    deaths.add(`${world.violations.at(-1)} ${i}`)
    assert.equal(world.violations.length, deaths.size, `seed ${seed}: one for each`)
    world.die(slot)
  }
  assert.ok(deaths.size > 100, `seed ${seed}`)
  world.speak(...world.children.keys())
  world.deliver(1)
  assert.equal(world.held.size, 0, `seed ${seed}: the service goes on`)
})

function smallMessage(type: number): Uint8Array {
  const bytes = new Uint8Array(8)
  encodeSmall(bytes, 0, type, 0)
  return bytes
}

/** Bytes by xorshift, so that a seed repeats a run; half of the messages begin like a known one. */
function randomBytesOf(seed: number): (count: number) => Uint8Array {
  let state = seed | 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 0xff
  }
  return (count) => {
    const bytes = Uint8Array.from({ length: count }, next)
    if (count >= 8 && next() < 128) encodeSmall(bytes, 0, next() & 7, next() << 24)
    return bytes
  }
}

test('KEEPALIVE is ignored', () => {
  const world = new World()
  world.child(0).say(KEEPALIVE)
  world.turns()
  assert.deepEqual([world.lines, world.violations], [[], []])
})

test('a sticky client is sent to its child until the period ends or the child does', () => {
  const world = new World({ instancesMin: 2 })
  world.speak(0, 1)
  world.deliver(1, 'anna')
  world.deliver(3, 'anna')
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[4], [0]])
  world.deliver(1, 'anna')
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[0], [1]], 'the child is full')
  world.child(0).say(DONE, 4)
  world.turns()
  world.deliver(1, 'anna')
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[0], [1]], 'it is with the other one now')
  world.pass(1_001)
  world.deliver(1, 'anna')
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[1], [0]])
  world.die(0)
  assert.equal(world.cache.size, 0)
})

test('retires surplus idle children and keeps those with clients', () => {
  const world = new World()
  for (let i = 0; i < 5; i++) {
    world.deliver()
    for (const slot of world.wanted) world.child(slot).say(MAX, 100)
    world.turns()
  }
  for (const slot of [0, 1, 2]) world.heardBy(slot)
  world.child(0).say(DONE, 2)
  world.child(2).say(DONE, 1)
  world.pass(SHRINK_MS - 100)
  assert.deepEqual(world.heardBy(2), [0], 'not before its time')
  world.pass(200)
  assert.deepEqual(
    [0, 1, 2].map((slot) => world.heardBy(slot).length),
    [2, 1, 2],
    'both that are idle',
  )
  assert.equal(world.dispatcher.childCount, 3, 'until their processes have ended')
  world.die(0)
  world.die(2)
  world.pass(SHRINK_MS)
  assert.deepEqual(world.heardBy(1), [0], 'the minimum stays')
})

test('retires no child under load', () => {
  const world = new World({ usersMin: 1, usersMax: 10 })
  for (let i = 0; i < 3; i++) {
    world.deliver()
    for (const slot of world.wanted) world.child(slot).say(MAX, 100)
    world.turns()
  }
  world.deliver(3)
  for (const slot of [0, 1, 2]) world.heardBy(slot)
  world.child(2).say(DONE, 2)
  world.pass(SHRINK_MS + 10)
  assert.deepEqual(world.heardBy(2), [0], '4 users are as many as 1 × (3 + 1)')
})

test('10,000 clients for a child that does not read are queued and all arrive', () => {
  const count = 10_000
  const world = new World({ instancesMax: 1, usersMin: count, usersMax: count })
  world.child(0).say(MAX, count)
  world.turns()
  world.deliver(Math.min(count, PLENTY - world.held.size))
  assert.ok(world.held.size > 0, 'the kernel does not take them all')
  // The child sends to a full wire too.
  let said = 0
  while (world.child(0).say(KEEPALIVE) === 1) said++
  assert.ok(said > 0)
  let arrived = 0
  for (let turn = 0; arrived < count && turn < 10_000; turn++) {
    arrived += world.heardBy(0)[0] as number
    world.turns(1)
  }
  assert.deepEqual([arrived, world.held.size], [count, 0])
})

test('backs off when too many descriptors are in flight', () => {
  let refusals = 3
  const world = new World(
    {},
    { send: (fd, batch, count) => (refusals-- > 0 ? -ETOOMANYREFS : messages.send(fd, batch, count)) },
  )
  world.child(0).say(MAX, 10)
  world.turns()
  world.deliver(2)
  assert.deepEqual(world.heardBy(0), [0])
  for (let i = 0; i < 5; i++) world.pass(20)
  assert.deepEqual(world.heardBy(0), [2])
  assert.deepEqual([refusals < 0, world.held.size, world.lines.length], [true, 0, 0])
})

test('clients of a child with a broken socket go to another one', () => {
  const world = new World()
  world.speak(0)
  world.child(0).close()
  world.children.delete(0)
  world.deliver(2)
  assert.match(world.lines.join('|'), /cannot reach child 0/)
  assert.deepEqual(world.wanted, [0, 1])
  world.speak(1)
  assert.deepEqual(world.heardBy(1), [2])
  world.dispatcher.removeChild(0)
  assert.equal(world.dispatcher.users, 2)
})

test('after `stop` starts children only for clients of a child that died', () => {
  const world = new World({ instancesMin: 2 })
  world.speak(1)
  world.deliver(2)
  world.dispatcher.stop()
  world.turns()
  assert.deepEqual(world.heardBy(1), [1, 'may die'])
  world.die(0)
  const [last] = world.wanted.slice(2)
  assert.equal(world.wanted.length, 3, 'one for the client that is left')
  world.speak(last ?? -1)
  assert.deepEqual(world.heardBy(last ?? -1), [1, 'may die'], 'and it ends after it')
  world.die(last ?? -1)
  world.die(1)
  assert.equal(world.wanted.length, 3)
  assert.equal(world.dispatcher.childCount, 0)
})

test('prepared children get clients only after `replaceAll`; the old ones finish theirs', () => {
  const world = new World({ instancesMin: 2 })
  world.speak(0, 1)
  world.deliver(2)
  world.dispatcher.prepare(1)
  assert.deepEqual([world.wanted, world.prepared], [[0, 1, 2], []])
  world.speak(2)
  assert.deepEqual(world.prepared, [true])
  world.deliver()
  assert.deepEqual(world.heardBy(2), [0])
  world.dispatcher.replaceAll(world.options({ instancesMin: 1 }))
  world.turns()
  assert.deepEqual(
    [world.heardBy(0), world.heardBy(1)],
    [
      [2, 'may die'],
      [1, 'may die'],
    ],
  )
  world.deliver()
  assert.deepEqual([world.heardBy(2), world.wanted.length], [[1], 3])
})

test('keeps the old children when no prepared child starts', () => {
  const world = new World()
  world.speak(0)
  world.dispatcher.prepare(2)
  world.child(1).say(BAD_CFG)
  world.turns()
  assert.deepEqual(world.badConfigurations, [1], 'the master knows of which configuration it is')
  world.die(1)
  world.die(2)
  assert.deepEqual([world.prepared, world.wanted], [[false], [0, 1, 2]])
  world.deliver()
  assert.deepEqual(world.heardBy(0), [1])
})

test('`forgetPrepared` retires prepared children', () => {
  const world = new World()
  world.speak(0)
  world.dispatcher.prepare(1)
  world.speak(1)
  world.dispatcher.forgetPrepared()
  world.turns()
  assert.deepEqual([world.heardBy(0), world.heardBy(1)], [[0], [0, 'may die']])
  world.deliver()
  assert.deepEqual(world.heardBy(0), [1])
})

test('connections and datagrams reach a child in order, each with its socket', () => {
  const world = new World({ usersMin: 20, usersMax: 20 })
  const datagrams = [1, 2, 3].map((byte) => new Uint8Array([byte]))
  // More consecutive datagrams than one batch of this world holds.
  world.deliverMixed(undefined, ...datagrams, undefined, undefined, datagrams[0])
  world.speak(0)
  const heard = world.child(0).hear()
  assert.deepEqual(
    heard.map(({ type }) => type),
    [ACCEPT, UDPDATA, UDPDATA, UDPDATA, ACCEPT, ACCEPT, UDPDATA],
  )
  assert.ok(heard.every(({ fd }) => fd >= 0))
  closeAll(...heard.map(({ fd }) => fd))
  assert.deepEqual([world.held.size, world.dispatcher.users], [0, 7])
})
