import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { leaveWorlds, DispatcherWorld as World } from '../../test/support/dispatcher-world.js'
import { messages } from '../../test/support/wire-peer.js'
import { EMFILE } from '../kernel/errno.js'
import type { MessageCalls } from '../kernel/message-calls.js'
import { DONE } from '../wire/child-message.js'

afterEach(leaveWorlds)

/** Whether socket pairs can be opened. */
function sockets() {
  const state = { areLeft: true, asked: 0 }
  const socketPair: MessageCalls['socketPair'] = (type) => {
    state.asked++
    return state.areLeft ? messages.socketPair(type) : -EMFILE
  }
  return { state, socketPair }
}

test('without descriptors for a new child the existing ones serve, then clients wait in the kernel', () => {
  const { socketPair, state } = sockets()
  const world = new World({ usersMin: 1, usersMax: 3 }, { socketPair })
  world.speak(0)
  state.areLeft = false
  world.deliver(1)
  assert.equal(world.dispatcher.hasRoom(), true)
  world.deliver(2)
  assert.deepEqual([world.heardBy(0), world.wanted], [[3], [0]])
  assert.equal(world.dispatcher.hasRoom(), false)
  assert.match(world.lines.join('|'), /^cannot make a socket for a child: [^|]+; clients wait$/)
})

test('a client waits until a child can be opened for it', () => {
  const { socketPair, state } = sockets()
  state.areLeft = false
  const world = new World({ instancesMin: 1, usersMin: 1 }, { socketPair })
  assert.deepEqual([world.wanted, world.dispatcher.hasRoom()], [[], false])
  world.deliver(2)
  assert.deepEqual([world.held.size, world.dispatcher.users, world.dispatcher.isIdle], [2, 2, false])
  for (let i = 0; i < 5; i++) world.pass(256)
  assert.equal(world.lines.length, 1, 'it is said once')
  const { rooms } = world
  state.areLeft = true
  world.pass(256)
  assert.deepEqual([world.wanted, world.rooms > rooms], [[0, 1], true])
  world.speak(0, 1)
  assert.deepEqual([...world.heardBy(0), ...world.heardBy(1), world.held.size], [1, 1, 0])
  assert.equal(world.dispatcher.users, 2)
})

test('retries four times a second, however many clients connect', () => {
  const { socketPair, state } = sockets()
  state.areLeft = false
  const world = new World({}, { socketPair })
  world.deliver(100)
  assert.equal(state.asked, 1)
  for (let i = 0; i < 4; i++) world.pass(256)
  assert.equal(state.asked, 5)
})

test('waiting clients are served before new ones', () => {
  const { socketPair, state } = sockets()
  const world = new World({ usersMin: 1, usersMax: 1 }, { socketPair })
  world.speak(0)
  world.deliver(1)
  state.areLeft = false
  world.deliver(1)
  assert.deepEqual(world.heardBy(0), [1])
  world.child(0).say(DONE, 1)
  world.turns()
  assert.deepEqual(world.heardBy(0), [1])
})

test('resets waiting clients when the grace period ends', () => {
  const { socketPair, state } = sockets()
  state.areLeft = false
  const world = new World({}, { socketPair })
  world.deliver(2)
  world.dispatcher.stop()
  assert.deepEqual([world.held.size, world.dispatcher.isIdle], [2, false])
  world.dispatcher.cut()
  assert.deepEqual([world.held.size, world.dispatcher.isIdle], [0, true])
})

test('after `cut` resets the clients of a child that died, and starts no child for them', () => {
  const world = new World()
  world.deliver(1)
  world.dispatcher.stop()
  world.dispatcher.cut()
  world.die(0)
  assert.deepEqual([world.held.size, world.wanted, world.dispatcher.isIdle], [0, [0], true])
})
