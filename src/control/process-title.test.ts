import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Load, titleOf } from './process-title.js'

const LOAD: Load = { connections: 2, connectionsMax: 480, overload: 'queue', isDying: false }
const title = (load: Partial<Load>) => titleOf('relay', { ...LOAD, ...load })

test('the words are those of the original', () => {
  assert.equal(title({}), 'relay: 2 connections, accepting up to 478 more')
  assert.equal(title({ connections: 1 }), 'relay: 1 connection, accepting up to 479 more')
  assert.equal(title({ connections: 480 }), 'relay: 480 connections, queueing new ones')
  assert.equal(
    title({ connections: 481, overload: 'close' }),
    'relay: 481 connections, immediately closing new ones',
  )
  assert.equal(title({ connections: 480, overload: 'reset' }), 'relay: 480 connections, resetting new ones')
  assert.equal(title({ connectionsMax: undefined }), 'relay: 2 connections')
  assert.equal(title({ connections: 0, connectionsMax: undefined }), 'relay: 0 connections')
  assert.equal(title({ isDying: true }), 'relay: 2 connections left, dying when idle')
})
