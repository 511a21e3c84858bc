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

const CHECK = { type: 'ldap', results: [0] } as const

/** A BindResponse with this result code and text. */
function response(code: number, text = '', tag = 0x61, id = 1): Buffer {
  const result = Buffer.concat([Buffer.of(0x0a, 1, code, 4, 0, 4, text.length), Buffer.from(text)])
  return Buffer.concat([Buffer.of(0x30, result.length + 5, 2, 1, id, tag, result.length), result])
}

test('binds and unbinds', async (t) => {
  let received = ''
  const address = await serverThat(t, (socket) => {
    socket.on('data', (bytes) => {
      if (received === '') socket.write(response(0))
      received += bytes.toString('hex')
    })
  })
  assert.equal(await checkAt(address, CHECK), 'up: result success (0)')
  await until('the unbind', () => received === '300c020101600702010304008000' + '30050201024200')
})

test('takes lengths of several bytes, and other results if they are given', async (t) => {
  const long = Buffer.from('3084000000100201016184000000070a010004000400', 'hex')
  assert.equal(await checked(t, CHECK, says(long)), 'up: result success (0)')
  const refused = says(response(48, 'anonymous bind disallowed'))
  const text = 'result inappropriateAuthentication (48) "anonymous bind disallowed"'
  assert.equal(await checked(t, CHECK, refused), `down: ${text}`)
  assert.equal(await checked(t, { ...CHECK, results: [0, 48] }, refused), `up: ${text}`)
  const ends = says(response(52, 'bye', 0x78, 0))
  assert.equal(await checked(t, CHECK, ends), 'down: result unavailable (52) "bye"')
})

test('says what is wrong with an answer', async (t) => {
  for (const bad of [
    response(0, '', 0x61, 2),
    response(0, '', 0x64),
    Buffer.from('300502010161030a', 'hex'),
    Buffer.from('30800201', 'hex'),
    Buffer.from('30850000000001', 'hex'),
    Buffer.from('3084ffffffff', 'hex'),
    Buffer.from('3000', 'hex'),
  ])
    assert.equal(await checked(t, CHECK, says(bad)), 'down: bad answer of LDAP', bad.toString('hex'))
  assert.equal(await checked(t, CHECK, says('220 smtp')), 'down: no answer of LDAP: "220 smtp"')
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no answer to the bind within 0.4 s')
  const half = says(response(0).subarray(0, 9))
  assert.equal(await checked(t, CHECK, half, SOON), 'down: no answer to the bind within 0.4 s')
  assert.equal(
    await checked(t, CHECK, CLOSING),
    'down: it closed the connection before the answer to the bind',
  )
  assert.match(await checked(t, CHECK, floods('x')), /^down: no answer of LDAP: "x+\.\.\."$/)
})
