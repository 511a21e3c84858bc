import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import * as e from './errno.js'

const numbers = Object.entries(e).flatMap(([name, value]) =>
  typeof value === 'number' ? [[name, value] as const] : [],
)

test('every error number is the one of this system', () => {
  const ofSystem: Readonly<Record<string, number>> = constants.errno
  for (const [name, value] of numbers) assert.equal(value, ofSystem[name], name)
  assert.ok(numbers.length > 20)
})

test('every error that reaches people has a text', () => {
  const silent = ['EINTR', 'EPROTO', 'ENOPROTOOPT', 'EINPROGRESS'] // handled, never shown
  for (const [name, value] of numbers) {
    assert.equal(e.errorText(value).startsWith('error '), silent.includes(name), name)
  }
  assert.equal(e.errorText(9999), 'error 9999')
})

test('only what the relay itself lacks is its own shortage', () => {
  const own = numbers.filter(([, value]) => e.isOwnShortage(value)).map(([name]) => name)
  assert.deepEqual(own.sort(), ['EADDRNOTAVAIL', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
  assert.equal(e.isOwnShortage(0), false)
})
