import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import * as e from './errno.js'

const numbers = Object.entries(e).flatMap(([name, value]) =>
  typeof value === 'number' ? [[name, value] as const] : [],
)

/** include/uapi/asm-generic/errno.h */
const UNKNOWN_TO_NODE = { ETOOMANYREFS: 109 }

/** Handled where they come up, never shown; every other one needs a text. */
const SILENT = ['EINTR', 'EPROTO', 'ENOPROTOOPT', 'EINPROGRESS']

test('every error number is the one of this system', () => {
  const ofSystem: Readonly<Record<string, number>> = { ...UNKNOWN_TO_NODE, ...constants.errno }
  for (const [name, value] of numbers) assert.equal(value, ofSystem[name], name)
  assert.ok(numbers.length > 20)
})

test('every error that reaches people has a text', () => {
  for (const [name, value] of numbers) {
    assert.equal(e.errorText(value).startsWith('error '), SILENT.includes(name), name)
  }
  assert.equal(e.errorText(9999), 'error 9999')
})

test('only what the relay itself lacks is its own shortage', () => {
  const own = numbers.filter(([, value]) => e.isOwnShortage(value)).map(([name]) => name)
  assert.deepEqual(own.sort(), ['EADDRNOTAVAIL', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])
  assert.equal(e.isOwnShortage(0), false)
})
