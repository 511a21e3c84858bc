import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeServices, type Named, queryOf, throughModule } from '../../test/support/mavis.js'
import { AV } from '../base/mavis-attributes.js'
import { Auth } from './auth.js'
import { Limit } from './limit.js'
import { Log } from './log.js'
import { ACK, DOWN, ERR, FINAL, NAK, NFD, type Query } from './module.js'
import { Null } from './null.js'
import type { AuthSettings } from './settings.js'

test('null changes nothing', () => {
  const { asked, values } = throughModule(new Null(), queryOf({ USER: 'joe' }), { RESULT: ACK })
  assert.deepEqual([asked, values.USER, values.RESULT], [DOWN, 'joe', ACK])
})

test('log writes a line for every answer with a user', () => {
  const services = new FakeServices()
  const log = new Log({ module: 'log' }, services)
  const seen = (query: Named, below: Named) => throughModule(log, queryOf(query), below)
  seen({ USER: 'joe' }, { RESULT: ACK })
  seen({ USER: 'j\u00c3\u00b6', TYPE: 'FTP' }, { RESULT: NAK, COMMENT: 'too late' })
  seen({}, {})
  seen({ TYPE: 'other' }, { RESULT: ACK })
  seen({ IPADDR: undefined }, { RESULT: ACK })
  seen({ USER: 'x'.repeat(100_000) }, { RESULT: ERR })
  assert.deepEqual(services.lines.slice(0, 3), [
    'TACPLUS ACK: joe [192.0.2.1]',
    'FTP NAK: jö [192.0.2.1] (too late)',
    'TACPLUS NFD: 192.0.2.1 [192.0.2.1]',
  ])
  assert.equal(services.lines.length, 4)
  assert.ok((services.lines[3] ?? '').length < 1_000)
})

function limiting(count: number): { services: FakeServices; ask: (named: Named, result: string) => Named } {
  const services = new FakeServices()
  const limit = new Limit({ module: 'limit', count, timeMs: 60_000, purgePeriodMs: 300_000 }, services)
  const ask = (named: Named, RESULT: string) => throughModule(limit, queryOf(named), { RESULT }).values
  return { services, ask }
}

test('limit denies a blacklisted address for a time', () => {
  const { ask, services } = limiting(2)
  ask({}, NAK)
  assert.equal(ask({}, ACK).RESULT, ACK)
  assert.equal(ask({}, NAK).COMMENT, undefined)
  const { COMMENT, RESULT } = ask({}, ACK)
  assert.deepEqual([RESULT, COMMENT], [NAK, 'client ip blacklisted for 60 seconds'])
  assert.equal(ask({ IPADDR: '192.0.2.2' }, ACK).RESULT, ACK)
  services.ms += 59_999
  assert.equal(ask({}, ACK).COMMENT, 'client ip blacklisted for 1 seconds')
  services.ms += 60_000
  assert.equal(ask({}, ACK).RESULT, ACK, 'the refusal above has been the last one')
  assert.equal(ask({}, NAK).COMMENT, undefined)
  assert.equal(ask({}, ACK).RESULT, ACK, 'counting begins anew')
})

test('limit counts only NAK for IP addresses', () => {
  const { ask } = limiting(1)
  for (const result of [ERR, NFD, ACK]) ask({}, result)
  assert.equal(ask({}, ACK).RESULT, ACK)
  ask({ IPADDR: 'unix:' }, NAK)
  assert.equal(ask({ IPADDR: 'unix:' }, ACK).RESULT, ACK)
  ask({ IPADDR: '2001:DB8:0::1' }, NAK)
  assert.equal(ask({ IPADDR: '2001:db8::1' }, ACK).RESULT, NAK)
  ask({ IPADDR: '192.0.2.9', TYPE: 'other' }, NAK)
  assert.equal(ask({ IPADDR: '192.0.2.9' }, ACK).RESULT, ACK)
})

test('limit is off with count 0', () => {
  const { ask } = limiting(0)
  for (let i = 0; i < 5; i++) assert.equal(ask({}, NAK).COMMENT, undefined)
  assert.equal(ask({}, ACK).RESULT, ACK)
})

interface AuthCase {
  readonly mode?: AuthSettings['mode']
  readonly shown?: Named
  readonly below: Named
  readonly result: string
  readonly comment?: string
}

const SUBJECT = '/C=DE/CN=Joe'
const AUTH_CASES: readonly AuthCase[] = [
  { shown: { PASSWORD: 'x' }, below: { DBPASSWORD: 'x' }, result: ACK },
  { shown: { PASSWORD: 'y' }, below: { DBPASSWORD: 'x' }, result: NAK, comment: 'password mismatch' },
  { below: { DBPASSWORD: 'x' }, result: NAK, comment: 'password not set' },
  { shown: { PASSWORD: 'x' }, below: {}, result: NFD },
  { shown: { PASSWORD: 'x' }, below: { DBCERTSUBJ: SUBJECT }, result: NFD },
  { shown: { PASSWORD: 'x' }, below: { DBPASSWORD: 'x', RESULT: ACK }, result: NFD },
  { below: { RESULT: NAK }, result: NAK },
  { below: { RESULT: ERR, DBPASSWORD: 'x' }, result: ERR },
  {
    mode: 'cert-sufficient',
    shown: { CERTSUBJ: SUBJECT },
    below: { DBCERTSUBJ: `/CN=other\r${SUBJECT.toUpperCase()}` },
    result: ACK,
    comment: 'certificate',
  },
  {
    mode: 'cert-sufficient',
    shown: { CERTSUBJ: '/CN=eve', PASSWORD: 'x' },
    below: { DBCERTSUBJ: SUBJECT, DBPASSWORD: 'x' },
    result: ACK,
    comment: 'certificate mismatch',
  },
  { mode: 'cert-sufficient', below: { DBCERTSUBJ: SUBJECT }, result: NFD, comment: 'certificate missing' },
  {
    mode: 'cert-required',
    shown: { CERTSUBJ: '/CN=eve', PASSWORD: 'x' },
    below: { DBCERTSUBJ: SUBJECT, DBPASSWORD: 'x' },
    result: NAK,
    comment: 'certificate mismatch',
  },
  {
    mode: 'cert-required',
    shown: { PASSWORD: 'x' },
    below: { DBPASSWORD: 'x' },
    result: NAK,
    comment: 'certificate missing',
  },
  {
    mode: 'cert-required',
    shown: { CERTSUBJ: SUBJECT, PASSWORD: 'x' },
    below: { DBCERTSUBJ: SUBJECT, DBPASSWORD: 'x' },
    result: ACK,
  },
  {
    mode: 'cert-required',
    shown: { CERTSUBJ: '', PASSWORD: 'x' },
    below: { DBCERTSUBJ: '\n', DBPASSWORD: 'x' },
    result: NAK,
    comment: 'certificate mismatch',
  },
]

for (const { mode = 'password', shown = {}, below, result, comment } of AUTH_CASES) {
  test(`auth (${mode}): ${JSON.stringify(shown)} and ${JSON.stringify(below)}: ${result}`, () => {
    const { values } = throughModule(new Auth({ module: 'auth', mode }), queryOf(shown), below)
    assert.deepEqual([values.RESULT, values.COMMENT], [result, comment])
  })
}

test('limit keeps an address blacklisted while it keeps asking', () => {
  const { ask, services } = limiting(1)
  ask({}, NAK)
  for (let i = 0; i < 5; i++) {
    services.ms += 50_000
    assert.equal(ask({}, ACK).RESULT, NAK)
  }
})

test('limit counts its own denials', () => {
  const services = new FakeServices()
  const limit = new Limit({ module: 'limit', count: 1, timeMs: 60_000, purgePeriodMs: 0 }, services)
  const refused: Query = queryOf()
  refused.values[AV.RESULT] = NAK
  limit.review(refused)
  assert.equal(throughModule(limit, queryOf(), {}).asked, FINAL)
})
