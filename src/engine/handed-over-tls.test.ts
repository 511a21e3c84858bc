import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG_HAPROXY, FLAG_TLS_AUTO, FLAG_TLS_PSK } from '../wire/child-message.js'
import { handedOverSlot, handedOverWays, PLAIN } from './handed-over-tls.js'

test('what a classic master says of a client leads to the way in which it is greeted', () => {
  const ways = handedOverWays()
  for (const [packed, flags, versions, isAuto, hasKeys] of [
    [0x0403, 0, 'TLSv1.2,TLSv1.3', false, false],
    [0x0304, FLAG_TLS_AUTO, 'TLSv1.2,TLSv1.3', true, false],
    [0x03, 0, 'TLSv1.2', false, false],
    [0x04, FLAG_TLS_PSK, 'TLSv1.3', false, true],
    [0x04, FLAG_TLS_PSK | FLAG_TLS_AUTO | FLAG_HAPROXY, 'TLSv1.3', true, true],
    [0x020304, 0, 'TLSv1.2,TLSv1.3', false, false], // TLS 1.1 too, which is not spoken
    [0x04020103, 0, 'TLSv1.2,TLSv1.3', false, false],
    [0, FLAG_TLS_AUTO, 'TLSv1.2,TLSv1.3', true, false],
  ] as const) {
    const way = ways[handedOverSlot(flags, packed)]
    assert.deepEqual([way?.versions.join(), way?.isAuto, way?.hasKeys], [versions, isAuto, hasKeys])
  }
})

test('without TLS a client is plain; versions that are not spoken lead nowhere', () => {
  for (const flags of [0, FLAG_HAPROXY, FLAG_TLS_PSK]) assert.equal(handedOverSlot(flags, 0), PLAIN)
  const ways = handedOverWays()
  // TLS 1.1, a version to come, and DTLS.
  for (const packed of [0x02, 0x05, 0x00fd00ff]) {
    for (const flags of [0, FLAG_TLS_AUTO, FLAG_TLS_PSK]) {
      const slot = handedOverSlot(flags, packed)
      assert.notEqual(slot, PLAIN)
      assert.equal(ways[slot], undefined)
    }
  }
})
