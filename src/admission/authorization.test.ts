import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorize } from './authorization.js'

test('`mavis authorization = user` requires an identity, other modes do not', () => {
  const joe = { kind: 'psk', user: 'joe' } as const
  assert.equal(authorize('host', undefined), 'ask')
  assert.equal(authorize('host', joe), 'ask')
  assert.equal(authorize('user', joe), 'ask')
  assert.equal(authorize('user', undefined), 'no-identity')
  assert.equal(authorize('user', { kind: 'psk', user: '' }), 'no-identity')
})
