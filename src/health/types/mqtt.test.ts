import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import {
  CLOSING,
  checkAt,
  checked,
  floods,
  SILENT,
  SOON,
  says,
  serverThat,
} from '../../../test/support/checked.js'
import type { CheckOf } from '../probe-checks.js'

const CHECK: CheckOf<'mqtt'> = { type: 'mqtt', clientId: 'me', user: undefined, password: undefined }

test('connects and disconnects', async (t) => {
  let received = Buffer.alloc(0)
  const address = await serverThat(t, (socket) => {
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      if (received.byteLength === bytes.byteLength) socket.write(Buffer.of(0x20, 2, 0, 0))
    })
  })
  assert.equal(await checkAt(address, { ...CHECK, user: 'joe', password: 'pw' }), 'up: ')
  const expected = '\x10\x17\0\x04MQTT\x04\xc2\0\x3c\0\x02me\0\x03joe\0\x02pw\xe0\0'
  await until('DISCONNECT', () => received.toString('latin1') === expected)
})

test('has another id in each check, and long ones', async (t) => {
  const packets: string[] = []
  const address = await serverThat(t, (socket) => {
    socket.once('data', (bytes) => {
      packets.push(bytes.toString('latin1'))
      socket.write(Buffer.of(0x20, 2, 1, 0))
    })
  })
  const own = { ...CHECK, clientId: undefined }
  for (const check of [own, own, { ...CHECK, clientId: 'x'.repeat(200) }])
    assert.equal(await checkAt(address, check), 'up: ')
  const ids = packets.map((packet) => /(tcprelay[0-9a-f]{14}|x{200})$/.exec(packet)?.[1] ?? '')
  assert.equal(new Set(ids).size, 3)
  assert.ok(!ids.includes(''))
  assert.ok(packets[2]?.startsWith('\x10\xd4\x01\0\x04MQTT'))
})

test('says why a server does not accept', async (t) => {
  const answer = (...bytes: number[]) => checked(t, CHECK, says(Buffer.of(...bytes)))
  assert.equal(await answer(0x20, 2, 0, 3), 'down: server unavailable (return code 3)')
  assert.equal(await answer(0x20, 2, 0, 4), 'down: bad user name or password (return code 4)')
  assert.equal(await answer(0x20, 2, 0, 5), 'down: not authorized (return code 5)')
  assert.equal(await answer(0x20, 2, 0, 77), 'down: refused (return code 77)')
  assert.equal(await answer(0x20, 3), 'down: no CONNACK of MQTT: " \\x03"')
  assert.equal(
    await checked(t, CHECK, says('HTTP/1.1 400 Bad')),
    'down: no CONNACK of MQTT: "HTTP/1.1 400 Bad"',
  )
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no answer to CONNECT within 0.4 s')
  assert.equal(
    await checked(t, CHECK, says(Buffer.of(0x20, 2)), SOON),
    'down: no answer to CONNECT within 0.4 s',
  )
  assert.equal(
    await checked(t, CHECK, CLOSING),
    'down: it closed the connection before the answer to CONNECT',
  )
  assert.match(await checked(t, CHECK, floods('x')), /^down: no CONNACK of MQTT: "x+\.\.\."$/)
})
