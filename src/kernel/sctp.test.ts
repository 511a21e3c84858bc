import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { calls, closeAll, done } from '../../test/support/sockets.js'
import * as c from './constants.js'
import { EAGAIN, ENOPROTOOPT } from './errno.js'
import { countOpenDescriptors } from './limits.js'
import { mapPrivate } from './memory.js'
import { messageCalls } from './message-calls.js'
import { IPPROTO_SCTP, MessageInfo } from './sctp.js'
import { hasSctp, isSctpSocket } from './sctp-sockets.js'

/** Tests that need a kernel with SCTP are in test/vm/. Here Unix datagrams take the place of SCTP messages. */

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

test('send and receive transfer a message at the given offsets', () => {
  const pair = messageCalls().socketPair('datagram')
  assert.ok(typeof pair !== 'number')
  const [from, to] = pair
  const region = mapPrivate(64)
  const about = new MessageInfo()
  assert.equal(calls.sctp.receive(to, region, 0, 64, about), -EAGAIN)
  region.bytes.set(Buffer.from('..hello..'))
  Object.assign(about, { stream: 7, ppid: 9, isUnordered: true })
  assert.equal(calls.sctp.send(from, region, 2, 5, about), 5)
  assert.equal(calls.sctp.receive(to, region, 40, 24, about), 5)
  assert.equal(Buffer.from(region.bytes).toString('latin1', 40, 46), 'hello\0')
  // A Unix socket has no streams and no RCVINFO control message.
  assert.deepEqual({ ...about }, { stream: 0, ppid: 0, isUnordered: false, isWhole: false })
  closeAll(from, to)
})

test('a TCP or Unix socket is not an SCTP socket', () => {
  const tcp = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  assert.equal(isSctpSocket(calls, tcp), false)
  assert.equal(calls.sctp.setUp(tcp, { streams: 1, heartbeatMs: 0 }), -ENOPROTOOPT)
  closeAll(tcp)
})

test('hasSctp opens a socket with the SCTP protocol number and closes it', () => {
  const asked: number[][] = []
  const closed: number[] = []
  const answering = (outcome: number) => ({
    ...calls,
    socket: (...words: number[]) => {
      asked.push(words)
      return outcome
    },
    close: (fd: number) => closed.push(fd),
  })
  assert.equal(hasSctp(answering(-93)), false)
  assert.equal(hasSctp(answering(77)), true)
  assert.deepEqual(asked, new Array(2).fill([c.AF_INET, c.SOCK_STREAM, IPPROTO_SCTP]))
  assert.deepEqual(closed, [77])
})
