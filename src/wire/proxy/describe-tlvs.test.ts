import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeTlvs } from './describe-tlvs.js'

const NOTHING = { alpn: '', authority: '', uniqueId: '', netns: '', ssl: undefined, others: [] }

test('TLVs are named, and those that are empty are left out', () => {
  assert.equal(describeTlvs(NOTHING), '')
  const ssl = { version: 'TLSv1.3', commonName: 'alice', cipher: '', isVerified: false }
  const others = [
    { type: 0xea, hex: '01ab' },
    { type: 0x07, hex: '00' },
  ]
  assert.equal(
    describeTlvs({
      ...NOTHING,
      authority: 'a.example',
      alpn: 'h2',
      netns: 'blue',
      uniqueId: 'ff',
      ssl,
      others,
    }),
    'authority:a.example,alpn:h2,unique-id:ff,netns:blue,tls:TLSv1.3,cn:alice,verified:no,0xea:01ab,0x07:00',
  )
})
