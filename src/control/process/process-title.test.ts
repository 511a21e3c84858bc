import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Load, titleOf } from './process-title.js'

const LOAD: Load = { connections: 2, connectionsMax: 480, overload: 'queue', isDying: false }
const RELAY = { program: 'relay', configurationFile: '/etc/relay/my.cfg' }
const ROOMY = 200
const title = (load: Partial<Load>, roomBytes = ROOMY) => titleOf(RELAY, { ...LOAD, ...load }, roomBytes)

test('the words are those of the original, and the configuration follows', () => {
  const words = (load: Partial<Load>) => title(load).replace(/ \[\/etc\/relay\/my\.cfg\]$/, '')
  assert.equal(words({}), 'relay: 2 connections, accepting up to 478 more')
  assert.equal(words({ connections: 1 }), 'relay: 1 connection, accepting up to 479 more')
  assert.equal(words({ connections: 480 }), 'relay: 480 connections, queueing new ones')
  assert.equal(
    words({ connections: 481, overload: 'close' }),
    'relay: 481 connections, immediately closing new ones',
  )
  assert.equal(words({ connections: 480, overload: 'reset' }), 'relay: 480 connections, resetting new ones')
  assert.equal(words({ connectionsMax: undefined }), 'relay: 2 connections')
  assert.equal(words({ connections: 0, connectionsMax: undefined }), 'relay: 0 connections')
  assert.equal(words({ isDying: true }), 'relay: 2 connections left, dying when idle')
})

test('with less room the title is shorter, and the name of the configuration is kept as long as possible', () => {
  assert.deepEqual(
    [66, 65, 55, 54, 21, 20, 12, 11, 5, 4, 0].map((roomBytes) => title({}, roomBytes)),
    [
      'relay: 2 connections, accepting up to 478 more [/etc/relay/my.cfg]',
      'relay: 2 connections, accepting up to 478 more [my.cfg]',
      'relay: 2 connections, accepting up to 478 more [my.cfg]',
      'relay: 2/480 [my.cfg]',
      'relay: 2/480 [my.cfg]',
      'relay: 2/480',
      'relay: 2/480',
      'relay',
      'relay',
      'rela',
      '',
    ],
  )
  assert.equal(title({ isDying: true }, 30), 'relay: 2 left [my.cfg]')
  assert.equal(title({ connectionsMax: undefined }, 20), 'relay: 2 [my.cfg]')
})

test('no title is longer than its room, and no number in it is cut', () => {
  const loads = fc.record({
    connections: fc.nat(1_000_000),
    connectionsMax: fc.option(fc.nat(1_000_000), { nil: undefined }),
    overload: fc.constantFrom('queue' as const, 'close' as const, 'reset' as const),
    isDying: fc.boolean(),
  })
  fc.assert(
    fc.property(loads, fc.nat(120), fc.string({ unit: 'grapheme' }), (load, roomBytes, name) => {
      const { connections, connectionsMax = 0 } = load
      const file = name.replace(/[\d[]/gu, '')
      const shown = titleOf({ program: 'relay', configurationFile: file }, load, roomBytes)
      assert.ok(Buffer.byteLength(shown) <= roomBytes)
      const numbers = shown.split(' [')[0]?.match(/\d+/g) ?? []
      for (const number of numbers) {
        const whole = [connections, connectionsMax, connectionsMax - connections]
        assert.ok(whole.includes(Number(number)), shown)
      }
    }),
  )
})
