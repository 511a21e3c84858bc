import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileWith } from '../../../test/harness/tls.js'
import type { DiscoverSettings } from '../../config/table-discover.js'
import { consulPlan, etcdPlan, httpPlan, kubernetesPlan } from './http-source-plans.js'

/** Settings with these directives only. */
const given = (directives: Partial<DiscoverSettings>) => directives as DiscoverSettings

test('headers are names with values, and servers have no slash at their end', () => {
  const headers = ['X-Team: web', 'X-Empty: ', 'X-Time: 10:30']
  assert.deepEqual(httpPlan(given({ url: 'http://a/b/', headers })), {
    type: 'http',
    url: 'http://a/b/',
    headers: [
      ['X-Team', 'web'],
      ['X-Empty', ''],
      ['X-Time', '10:30'],
    ],
    tokenFile: undefined,
    intervalMs: 10_000,
    timeoutMs: 5_000,
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
  })
  assert.equal(consulPlan(given({ url: 'http://a:8500/' })).url, 'http://a:8500')
  assert.equal(kubernetesPlan(given({ url: 'http://a//' })).url, 'http://a')
  assert.equal(kubernetesPlan(given({})).url, undefined)
})

test("the CAs of a server with https are the system's, unless some are given", (t) => {
  const before = process.env.SSL_CERT_FILE
  t.after(() => {
    if (before === undefined) delete process.env.SSL_CERT_FILE
    else process.env.SSL_CERT_FILE = before
  })
  const bundle = fileWith(t, 'x')
  process.env.SSL_CERT_FILE = bundle
  const caOf = (endpoint: string, caFile?: string) =>
    etcdPlan(given({ endpoints: ['http://a', endpoint], ...(caFile && { caFile }) })).caFile
  assert.equal(caOf('https://a'), bundle)
  assert.equal(caOf('https://a', 'own.pem'), 'own.pem')
  assert.equal(caOf('http://a'), undefined)
  // That of the service account, which the source knows.
  assert.equal(kubernetesPlan(given({})).caFile, undefined)
  process.env.SSL_CERT_FILE = `${bundle}-missing`
  assert.equal(caOf('https://a'), undefined)
})
