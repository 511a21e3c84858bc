import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { calls, done, recvText } from '../../test/support/sockets.js'
import type { Calls, Fd } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { ECONNREFUSED, ENOENT } from '../kernel/errno.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import type { Region } from '../kernel/region.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import { FACILITIES, Syslog, syslogDatagram } from './syslog.js'

const folder = mkdtempSync(join(tmpdir(), 'syslog-'))
const openBefore = countOpenDescriptors()
after(() => {
  rmSync(folder, { recursive: true })
  assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open')
})

/** A daemon's socket there. */
function daemonAt(path: string): Fd {
  rmSync(path, { force: true })
  const address = nativeAddress({ family: 'unix', path })
  const fd = done(calls.socket(AF_UNIX, SOCK_DGRAM, 0))
  done(calls.bind(fd, address.region, address.byteLength))
  return fd
}

test('formats datagrams as syslog daemons expect', () => {
  const at = new Date(2024, 10, 3, 4, 5, 6)
  const line = syslogDatagram(FACILITIES.UUCP * 8 + 6, at, 'tcprelay', 42, 'hello')
  assert.equal(line, '<70>Nov  3 04:05:06 tcprelay[42]: hello')
  assert.match(
    syslogDatagram(0, new Date(2024, 0, 31, 23, 59, 59), 'i', 1, ''),
    /^<0>Jan 31 23:59:59 i\[1\]: $/,
  )
})

test('the facilities are those of RFC 3164', () => {
  const { KERN, UUCP, FTP, LOCAL0, LOCAL7 } = FACILITIES
  assert.deepEqual([KERN, UUCP, FTP, LOCAL0, LOCAL7], [0, 8, 11, 16, 23])
})

test('sends one datagram per line', () => {
  const path = join(folder, 'log')
  const daemon = daemonAt(path)
  const syslog = new Syslog(calls, path)
  assert.equal(syslog.open(), true)
  for (const line of ['one', 'zwei ü', '']) assert.equal(syslog.send(line), true)
  assert.deepEqual([recvText(daemon), recvText(daemon), recvText(daemon)], ['one', 'zwei ü', ''])
  syslog.close()
  calls.close(daemon)
})

test('reconnects to a restarted daemon without losing a line', () => {
  const path = join(folder, 'restarted')
  const first = daemonAt(path)
  const syslog = new Syslog(calls, path)
  assert.equal(syslog.send('before'), true)
  calls.close(first)
  assert.equal(syslog.send('nobody'), false)
  const second = daemonAt(path)
  assert.equal(syslog.send('after'), true)
  assert.equal(recvText(second), 'after')
  calls.close(second)
  const third = daemonAt(path)
  assert.equal(syslog.send('at once'), true, 'the line that notices is not lost')
  assert.equal(recvText(third), 'at once')
  assert.equal(syslog.dropped, 1)
  syslog.close()
  calls.close(third)
})

test('drops and counts lines when the daemon does not read, and never blocks', () => {
  const path = join(folder, 'deaf')
  const daemon = daemonAt(path)
  const syslog = new Syslog(calls, path)
  let sent = 0
  while (syslog.send(`line ${sent}`)) sent++
  assert.ok(sent > 0)
  assert.equal(syslog.send('lost'), false)
  assert.equal(syslog.dropped, 2)
  assert.equal(recvText(daemon), 'line 0')
  assert.equal(syslog.send('fits again'), true)
  syslog.close()
  calls.close(daemon)
})

test('counts every line without a daemon and leaks no descriptor', () => {
  const syslog = new Syslog(calls, join(folder, 'none'))
  const before = countOpenDescriptors()
  assert.equal(syslog.open(), false)
  for (let i = 0; i < 10; i++) assert.equal(syslog.send('x'), false)
  assert.equal(syslog.dropped, 10)
  assert.equal(countOpenDescriptors(), before)
})

test('a missing daemon costs no memory', () => {
  const addresses = new Set<Region>()
  const refusing: Calls = {
    ...calls,
    connect(_fd, address) {
      addresses.add(address)
      return addresses.size % 2 === 0 ? -ENOENT : -ECONNREFUSED
    },
  }
  const syslog = new Syslog(refusing, join(folder, 'away'))
  for (let i = 0; i < 100; i++) syslog.send('x')
  assert.equal(addresses.size, 1, 'native memory for the address is made once')
})

test('truncates a long line between characters', () => {
  const path = join(folder, 'long')
  const daemon = daemonAt(path)
  const syslog = new Syslog(calls, path)
  assert.equal(syslog.send(`x${'ü'.repeat(8_192)}`), true)
  assert.equal(recvText(daemon), `x${'ü'.repeat(4_095)}`)
  syslog.close()
  calls.close(daemon)
})
