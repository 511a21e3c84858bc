import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { test } from 'node:test'
import * as e from './errno.js'

const numbers = Object.entries(e).flatMap(([name, value]) =>
  typeof value === 'number' ? [[name, value] as const] : [],
)

/** include/uapi/asm-generic/errno.h */
const UNKNOWN_TO_NODE = { ESHUTDOWN: 108, ETOOMANYREFS: 109 }

/** Handled where they occur and never shown; all others need a text. */
const SILENT = ['EINTR', 'EPROTO', 'EINPROGRESS']

test('error numbers match this system', () => {
  const ofSystem: Readonly<Record<string, number>> = { ...UNKNOWN_TO_NODE, ...constants.errno }
  for (const [name, value] of numbers) assert.equal(value, ofSystem[name], name)
  assert.ok(numbers.length > 20)
})

test('every error that is shown has a text', () => {
  for (const [name, value] of numbers) {
    assert.equal(e.errorText(value).startsWith('error '), SILENT.includes(name), name)
  }
  assert.equal(e.errorText(9999), 'error 9999')
})

test('distinguishes own shortages from failures of a remote', () => {
  for (const errno of [e.EMFILE, e.ENFILE, e.ENOBUFS, e.ENOMEM]) assert.equal(e.isOwnShortage(errno), true)
  for (const errno of [0, e.ECONNREFUSED, e.ETIMEDOUT, e.ECONNRESET, e.EHOSTUNREACH, e.ENETUNREACH]) {
    assert.equal(e.isOwnShortage(errno), false)
  }
})
