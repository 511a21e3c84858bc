import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import {
  CLOSING,
  checked,
  checkedIn,
  floods,
  type Serve,
  SILENT,
  SOON,
} from '../../../test/support/checked.js'
import type { SmtpCheck } from '../probe-checks.js'

const CHECK: SmtpCheck = { type: 'smtp', helo: undefined }

const greets =
  (greeting: string): Serve =>
  (socket) => {
    socket.write(greeting)
    socket.resume()
  }

test('greets and takes its leave', async (t) => {
  for (const helo of [undefined, 'probe.example']) {
    let got = ''
    const result = await checked(t, { ...CHECK, helo }, (socket) => {
      socket.write('220-mx.example ESMTP\r\n220 ready\r\n')
      socket.on('data', (bytes) => {
        got += bytes
        if (/EHLO .*\r\n$/.test(got)) socket.write('250-mx.example\r\n250-PIPELINING\r\n250 SIZE\r\n')
        if (got.endsWith('QUIT\r\n')) socket.end('221 bye\r\n')
      })
    })
    assert.equal(result, 'up: ')
    await until('both commands', () => got === `EHLO ${helo ?? hostname()}\r\nQUIT\r\n`)
  }
})

test('another code is the reason, with its text', async () => {
  const GREETING = '220 mx\r\n'
  const answers = {
    'greeting "554 No service", expected 220': ['554-a\r\n554 No service\r\n'],
    'greeting "421 too busy", expected 220': ['421 too busy\n'],
    'greeting "421", expected 220': ['421\r\n'],
    'answer to EHLO "502 what?", expected 250': [GREETING, '502 what?\r\n'],
    'bad greeting: "HTTP/1.1 400\\x0d\\x0a"': ['HTTP/1.1 400\r\n'],
    'bad greeting: "220=x\\x0d\\x0a"': ['220=x\r\n'],
    'it closed the connection before the greeting': ['220-half\r\n'],
    'it closed the connection before the answer to EHLO': [GREETING, '250-'],
  }
  for (const [reason, chunks] of Object.entries(answers))
    assert.equal(await checkedIn(CHECK, chunks), `down: ${reason}`)
  assert.equal(await checkedIn(CHECK, [GREETING, '250 mx\r\n']), 'up: ', 'without an answer to QUIT')
})

test('fails at silence, half an answer and floods', async (t) => {
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no greeting within 0.4 s')
  assert.equal(await checked(t, CHECK, greets('220-'), SOON), 'down: no greeting within 0.4 s')
  assert.equal(await checked(t, CHECK, greets('220 mx\r\n'), SOON), 'down: no answer to EHLO within 0.4 s')
  assert.equal(
    await checked(t, CHECK, (socket) => socket.end()),
    'down: it closed the connection before the greeting',
  )
  assert.equal(
    await checked(t, CHECK, floods('220-x\r\n')),
    'down: more than 256 KiB without the end of the greeting',
  )
  assert.match(await checked(t, CHECK, floods('2')), /^down: bad greeting: "2{77}\.\.\."$/)
  assert.equal(typeof CLOSING, 'function')
})
