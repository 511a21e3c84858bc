import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLOSING,
  checkAt,
  checked,
  checkedIn,
  floods,
  SILENT,
  SOON,
  says,
  serverThat,
} from '../../../test/support/checked.js'
import type { ExpectCheck, ExpectStep } from '../probe-checks.js'

const send = (bytes: string): ExpectStep => ({ kind: 'send', bytes })
const text = (source: string): ExpectStep => ({
  kind: 'expect',
  sought: { kind: 'bytes', source, shown: `"${source}"` },
})
const pattern = (source: string): ExpectStep => ({
  kind: 'expect',
  sought: { kind: 'pattern', source, shown: `/${source}/` },
})
const check = (...steps: readonly ExpectStep[]): ExpectCheck => ({ type: 'expect', steps })

const PING = check(send('PING\r\n'), text('+PONG'))

test('sends and expects in order', async (t) => {
  const address = await serverThat(t, (socket) => {
    let got = ''
    socket.write('hello\r\n')
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1')
      if (got === 'one\xff') socket.write('1\r\n')
      if (got === 'one\xfftwo') socket.write('2\r\n')
    })
  })
  const steps = [text('hello'), send('one\xff'), pattern('^1\\r$'), send('two'), text('2')]
  assert.equal(await checkAt(address, check(...steps)), 'up: ')
})

test('an answer may come in pieces, and a match takes all before it', async () => {
  assert.equal(await checkedIn(check(text('b'), text('c')), ['a', 'b', 'c']), 'up: ')
  assert.equal(await checkedIn(check(text('+PONG')), ['xx+P', 'O', 'NG']), 'up: ')
  assert.equal(
    await checkedIn(check(text('b'), text('a')), ['a', 'b', 'c']),
    'down: it closed the connection before the answer "a", but "c"',
  )
})

test('says what came instead', async (t) => {
  assert.equal(
    await checked(t, PING, says('-ERR\r\n'), SOON),
    'down: no answer "+PONG" within 0.4 s, but "-ERR\\x0d\\x0a"',
  )
  assert.equal(
    await checked(t, PING, says('+PON', { closes: true })),
    'down: it closed the connection before the answer "+PONG", but "+PON"',
  )
  assert.equal(await checked(t, PING, SILENT, SOON), 'down: no answer "+PONG" within 0.4 s')
  assert.equal(await checked(t, PING, CLOSING), 'down: it closed the connection before the answer "+PONG"')
})

test('fails at a flood, also with a pattern', async (t) => {
  const long = /^down: more than 256 KiB without the end of the answer .*, but "aaa/
  assert.match(await checked(t, PING, floods('a')), long)
  assert.match(await checked(t, check(pattern('(a+)+b')), floods('a')), long)
})
