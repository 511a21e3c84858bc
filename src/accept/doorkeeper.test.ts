import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, FakePoller } from '../../test/support/fake-poller.js'
import { AccessList, compileAccess } from '../admission/access-list.js'
import { parseNetwork } from '../base/cidr.js'
import { COUNTERS } from '../cells/layout.js'
import { heapRegion, type Region } from '../kernel/region.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { COUNT } from '../observe/counters.js'
import { NOTICE } from '../observe/severity.js'
import { Loop } from '../reactor/loop.js'
import { clientKey, Doorkeeper } from './doorkeeper.js'

/** A door through which only 10.0.0.0/8 comes. */
function world() {
  const clock = new FakeClock()
  const loop = new Loop(new FakePoller(), clock)
  const counters = new Float64Array(COUNTERS.length)
  const said: (readonly [number, string])[] = []
  const log = (severity: number, text: string) => void said.push([severity, text])
  const network = parseNetwork('10.0.0.0/8')
  assert.ok(network)
  const list = new AccessList(compileAccess([{ isPermit: true, isNegated: false, networks: [network] }]))
  const describePeer = (peer: Uint8Array) => `${peer.subarray(4, 8).join('.')}`
  const keeper = new Doorkeeper({ loop, counters, log, describePeer }, list)
  const pass = (ms: number) => {
    clock.nowMs += ms
    loop.turn(0)
  }
  return { keeper, said, pass, rejected: () => counters[COUNT.rejected] }
}

function ipv4(host: string, port = 1): Region {
  return peer(encodeAddress({ family: 'ipv4', host, port }))
}

function ipv6(host: string): Region {
  return peer(encodeAddress({ family: 'ipv6', host, port: 1, scope: '' }))
}

function unix(): Region {
  return peer(encodeAddress({ family: 'unix', path: '/run/x' }))
}

function peer(address: Uint8Array): Region {
  const region = heapRegion(SOCKADDR_BYTES_MAX)
  region.bytes.set(address)
  return region
}

test('it lets in whom the list admits, counting and saying nothing', () => {
  const { keeper, rejected, said } = world()
  assert.equal(keeper.admits(ipv4('10.0.0.1')), true)
  assert.equal(keeper.admits(ipv6('::ffff:10.0.0.1')), true)
  assert.deepEqual([rejected(), said], [0, []])
})

test('clients of Unix sockets pass every list', () => {
  const { keeper, rejected } = world()
  assert.equal(keeper.admits(unix()), true)
  assert.equal(rejected(), 0)
})

test('whom it turns away it counts and names', () => {
  const { keeper, rejected, said } = world()
  assert.equal(keeper.admits(ipv4('192.0.2.7')), false)
  assert.equal(keeper.admits(ipv6('2001:db8::1')), false)
  assert.equal(rejected(), 2)
  assert.deepEqual(said, [[NOTICE, 'connection attempt from 192.0.2.7 rejected']])
})

test('a flood is one line a second, which says how many there were', () => {
  const { keeper, pass, rejected, said } = world()
  for (let i = 0; i < 1_000; i++) {
    keeper.admits(ipv4('192.0.2.7'))
    pass(1)
  }
  assert.equal(said.length, 1)
  keeper.admits(ipv4('192.0.2.8'))
  assert.equal(said[1]?.[1], 'connection attempt from 192.0.2.8 rejected (and 999 before it)')
  pass(1_000)
  keeper.admits(ipv4('192.0.2.9'))
  assert.equal(said[2]?.[1], 'connection attempt from 192.0.2.9 rejected')
  assert.equal(rejected(), 1_002)
})

test('a client is known by its address, whatever its port', () => {
  assert.equal(clientKey(ipv4('10.0.0.1', 1).bytes), clientKey(ipv4('10.0.0.1', 2).bytes))
  assert.notEqual(clientKey(ipv4('10.0.0.1').bytes), clientKey(ipv4('10.0.0.2').bytes))
  assert.notEqual(clientKey(ipv6('::1').bytes), clientKey(ipv6('::2').bytes))
  assert.equal(clientKey(unix().bytes), undefined)
})
