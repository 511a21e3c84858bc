import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUESTION } from '../../test/support/mavis.js'
import type { AskedAbout, Question } from '../base/authorization.js'
import { ATTRIBUTES } from '../base/mavis-attributes.js'
import { queryValues } from './query-values.js'

const JOE = {
  kind: 'certificate',
  user: 'joe',
  subjectLine: '/O=Example/CN=joe',
  issuer: '/CN=ca',
  issuerKeyId: '0a0b',
  serial: '0AFF',
  alternativeNames: ['email:joe@example.com', 'DNS:a"b'],
  der: new TextEncoder().encode('abc'),
} as const

function shown(question: Partial<Question>, about: AskedAbout): Record<string, string> {
  const values = queryValues({ ...QUESTION, ...question }, about, 'serial', 'time')
  const entries = values.flatMap((value, number) =>
    value === undefined ? [] : [[ATTRIBUTES[number], value]],
  )
  return Object.fromEntries(entries)
}

test('sets addresses and identifiers for a host', () => {
  assert.deepEqual(shown({}, 'host'), {
    TYPE: 'TACPLUS',
    TIMESTAMP: 'time',
    USER: '192.0.2.1',
    IPADDR: '192.0.2.1',
    SERIAL: 'serial',
    SERVERIP: '192.0.2.80',
    REALM: 'default',
    TACTYPE: 'HOST',
  })
})

test('sets certificate data and fingerprints for a user (FIPS 180-4 has those of "abc")', () => {
  const values = shown({ realm: 'inside', serverName: 'www.example.com', identity: JOE }, 'user')
  assert.equal(values.USER, 'joe')
  assert.equal(values.TACTYPE, 'INFO')
  assert.equal(values.REALM, 'inside')
  assert.equal(values.VHOST, 'www.example.com')
  assert.equal(values.CERTSUBJ, '/O=Example/CN=joe')
  assert.equal(
    values.CERTDATA,
    'san="email:joe@example.com",san="DNS:a\\x22b",issuer="/CN=ca",issueraki="0a0b",serial="0aff",' +
      'sha1="a9:99:3e:36:47:06:81:6a:ba:3e:25:71:78:50:c2:6c:9c:d0:d8:9d",' +
      'sha256="ba:78:16:bf:8f:01:cf:ea:41:41:40:de:5d:ae:22:23:b0:03:61:a3:96:17:7a:9c:b4:10:ff:61:f2:00:15:ad"',
  )
})

test('omits an invalid server name', () => {
  for (const serverName of ['', 'a\nb', 'a\rb', 'a\0b', 'a\x7f'])
    assert.equal(shown({ serverName }, 'host').VHOST, undefined)
})

test('sets only the identity for a pre-shared key, as UTF-8', () => {
  const values = shown({ identity: { kind: 'psk', user: 'jo"é' } }, 'user')
  assert.equal(values.USER, 'jo"\xc3\xa9')
  assert.equal(values.CERTDATA, 'pskid="jo\\x22\xc3\xa9"')
  assert.equal(values.CERTSUBJ, undefined)
})
