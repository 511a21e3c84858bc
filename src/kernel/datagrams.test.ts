import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { calls, closeAll, done, waitReadable } from '../../test/support/sockets.js'
import { openUdp, portOf, sendTo } from '../../test/support/udp.js'
import { formatAddress } from '../base/address.js'
import { F_GETFL, O_NONBLOCK, SO_TYPE, SOCK_DGRAM, SOL_SOCKET } from './constants.js'
import { datagramCalls, reportLocalAddress, socketAddressBytes } from './datagrams.js'
import { EAGAIN, EBADF } from './errno.js'
import { nativeFunction } from './ffi.js'
import { countOpenDescriptors } from './limits.js'
import { mapPrivate } from './memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from './sockaddr.js'

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

const datagrams = datagramCalls()
const block = mapPrivate(4096)
const peer = mapPrivate(SOCKADDR_BYTES_MAX)
const local = mapPrivate(SOCKADDR_BYTES_MAX)

const CASES = [
  {
    name: 'IPv4',
    bound: '0.0.0.0',
    from: '127.0.0.5',
    to: '127.0.0.9',
    local: '127.0.0.9',
    peer: '127.0.0.5',
  },
  { name: 'IPv6', bound: '::', from: '::1', to: '::1', local: '[::1]', peer: '[::1]' },
  {
    name: 'IPv4 at a socket of both',
    bound: '::',
    from: '127.0.0.5',
    to: '127.0.0.9',
    local: '[::ffff:7f00:9]',
    peer: '[::ffff:7f00:5]',
  },
] as const

for (const { bound, from, local: wantedLocal, name, peer: wantedPeer, to } of CASES) {
  test(`receives source and destination address of a datagram: ${name}`, () => {
    const server = openUdp(bound)
    done(reportLocalAddress(calls, server, bound === '::'))
    const client = openUdp(from)
    sendTo(client, 'hello', to, portOf(server))
    waitReadable(server)
    local.bytes.fill(0)
    done(calls.localAddress(server, local))
    assert.equal(datagrams.receive(server, block, 4096, peer, local), 5)
    assert.equal(Buffer.from(block.bytes.subarray(0, 5)).toString(), 'hello')
    const shown = [local, peer].map(({ bytes }) =>
      formatAddress(decodeAddress(bytes, socketAddressBytes(bytes))),
    )
    assert.deepEqual(shown, [`${wantedLocal}:${portOf(server)}`, `${wantedPeer}:${portOf(client)}`])
    closeAll(server, client)
  })
}

test('peeks at the sender of the next datagram and leaves it in the queue', () => {
  const [server, first, second] = [openUdp(), openUdp(), openUdp()]
  assert.equal(datagrams.peekSender(server, peer), -EAGAIN)
  for (const client of [first, second]) sendTo(client, 'hello', '127.0.0.1', portOf(server))
  waitReadable(server)
  for (const client of [first, second]) {
    assert.equal(datagrams.peekSender(server, peer), 0)
    const sender = formatAddress(decodeAddress(peer.bytes, socketAddressBytes(peer.bytes)))
    assert.equal(sender, `127.0.0.1:${portOf(client)}`)
    assert.equal(datagrams.receive(server, block, 4096, peer, local), 5)
  }
  closeAll(server, first, second)
})

test('truncates a datagram that is too long and returns its full length', () => {
  const [server, client] = [openUdp(), openUdp()]
  sendTo(client, Buffer.alloc(60_000, 7), '127.0.0.1', portOf(server))
  sendTo(client, '', '127.0.0.1', portOf(server))
  sendTo(client, 'after', '127.0.0.1', portOf(server))
  waitReadable(server)
  block.bytes.fill(0)
  assert.equal(datagrams.receive(server, block, 100, peer, local), 60_000)
  assert.deepEqual([block.bytes[99], block.bytes[100]], [7, 0])
  assert.equal(datagrams.receive(server, block, 100, peer, local), 0)
  assert.equal(datagrams.receive(server, block, 100, peer, local), 5)
  closeAll(server, client)
})

test('leaves the local address unchanged if the socket does not report it', () => {
  const [server, client] = [openUdp(), openUdp()]
  sendTo(client, 'x', '127.0.0.1', portOf(server))
  waitReadable(server)
  local.bytes.fill(0xee)
  assert.equal(datagrams.receive(server, block, 100, peer, local), 1)
  assert.ok(local.bytes.every((byte) => byte === 0xee))
  closeAll(server, client)
})

test('returns failures as negated errno', () => {
  const server = openUdp()
  assert.equal(datagrams.receive(server, block, 100, peer, local), -EAGAIN)
  closeAll(server)
  assert.equal(datagrams.receive(server, block, 100, peer, local), -EBADF)
})

test('opens blocking sockets with FD_CLOEXEC', () => {
  const fd = done(datagrams.socket(2))
  assert.equal(calls.getOption(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM)
  assert.equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0)
  assert.equal(fcntl(fd, 1) & 1, 1)
  closeAll(fd)
})

function fcntl(fd: number, command: number): number {
  return nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )(fd, command, 0)
}
