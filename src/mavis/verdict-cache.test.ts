import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Question, Verdict } from '../base/authorization.js'
import { VerdictCache } from './verdict-cache.js'

const PERMIT: Verdict = { isPermitted: true }

function question(of: Partial<Question>): Question {
  return {
    token: 1,
    childSlot: 0,
    client: '192.0.2.1',
    server: '',
    realm: '',
    serverName: undefined,
    identity: undefined,
    ...of,
  }
}

function certificate(text: string): Question {
  const der = new TextEncoder().encode(text)
  const names = {
    user: 'joe',
    subjectLine: '',
    issuer: '',
    issuerKeyId: '',
    serial: '',
    alternativeNames: [],
  }
  return question({ identity: { kind: 'certificate', ...names, der } })
}

test('returns a verdict for the same question until it expires', () => {
  const cache = new VerdictCache(1_000)
  cache.keep(question({}), PERMIT, 0)
  assert.equal(cache.find(question({ token: 2, childSlot: 3 }), 999), PERMIT)
  assert.equal(cache.find(question({}), 1_000), undefined)
})

test('distinguishes client, local address, server name and certificate', () => {
  const cache = new VerdictCache(1_000)
  cache.keep(question({}), PERMIT, 0)
  cache.keep(certificate('one'), PERMIT, 0)
  for (const other of [
    question({ client: '192.0.2.2' }),
    question({ server: '192.0.2.80' }),
    question({ realm: 'inside' }),
    question({ serverName: 'www' }),
    question({ identity: { kind: 'psk', user: 'joe' } }),
    certificate('two'),
  ])
    assert.equal(cache.find(other, 0), undefined)
  assert.equal(cache.find(certificate('one'), 0), PERMIT)
})

test('caches denials but not module failures', () => {
  const cache = new VerdictCache(1_000)
  for (const refusal of ['error', 'timeout'] as const)
    cache.keep(question({}), { isPermitted: false, refusal, comment: '' }, 0)
  assert.equal(cache.size, 0)
  cache.keep(question({}), { isPermitted: false, refusal: 'denied', comment: 'no' }, 0)
  assert.equal(cache.find(question({}), 0)?.isPermitted, false)
})

test('drops the oldest verdicts at its size limit', () => {
  const cache = new VerdictCache(1_000)
  for (let i = 0; i < 10_001; i++) cache.keep(question({ client: `client ${i}` }), PERMIT, 0)
  assert.ok(cache.size <= 10_000)
  assert.equal(cache.find(question({ client: 'client 0' }), 0), undefined)
  assert.equal(cache.find(question({ client: 'client 10000' }), 0), PERMIT)
})
