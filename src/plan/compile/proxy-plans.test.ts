import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadText, planOf } from '../../../test/support/compiled-plan.js'
import { AccessList } from '../../admission/access-list.js'
import { FLAG_HAPROXY } from '../../wire/child-message.js'
import { probePlans } from './probe-plans.js'

test('listeners with PROXY headers: whose are used, for how long, and the addresses of peers are stored', () => {
  const proxyOf = (listen: string) => {
    const text = `id = spawnd { listen { ${listen} } } id = tcprelay { remote { 10.0.0.1:2 } }`
    const { listeners, relay } = planOf(text)
    const [{ message, proxy } = {}] = listeners
    assert.equal(relay.notesPeers, proxy !== undefined)
    assert.equal(message?.flags, proxy === undefined ? 0 : FLAG_HAPROXY)
    const list = proxy && new AccessList(proxy.from)
    const isIn = (...host: readonly number[]) => list?.admits(Uint8Array.from(host))
    return { ...proxy, from: [isIn(10, 0, 0, 1), isIn(192, 0, 2, 1), isIn(192, 0, 3, 1)] }
  }
  const two = 'proxy from = 10.0.0.0/8 proxy from = 192.0.2.0/24'
  const both = [true, true, false]
  assert.deepEqual(proxyOf(`port = 1 proxy protocol = yes ${two} detect timeout = 2`), {
    isOptional: false,
    from: both,
    timeoutMs: 2_000,
  })
  assert.deepEqual(proxyOf(`port = 1 haproxy = optional ${two} detect timeout = 0`), {
    isOptional: true,
    from: both,
    timeoutMs: Number.POSITIVE_INFINITY,
  })
  // Nobody: peers of a Unix socket are not looked up there.
  const unix = proxyOf('path = /run/a.sock proxy protocol = yes')
  assert.deepEqual(unix, { isOptional: false, from: [false, false, false], timeoutMs: 5_000 })
  assert.deepEqual(proxyOf('port = 1 proxy protocol = no').from, [undefined, undefined, undefined])
})

test('a PROXY header: of the remote before that of its pool, and of checks that go where clients go', () => {
  const text = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  send proxy = v2 send proxy tlv = ssl, crc32c
  health { type = tcp }
  remote { 10.0.0.1:1 }
  remote { 10.0.0.1:2 send proxy = v1 }
  remote { 10.0.0.1:3 send proxy = no }
  remote { 10.0.0.1:4 health { port = 8 } }
  remote { 10.0.0.1:5 health { port = 8 send proxy = v1 } }
  remote { 10.0.0.1:6 send proxy tlv = alpn health { send proxy = no } }
  pool = plain { send proxy = no remote { 10.0.0.2:1 } }
}`
  const slots = { remoteSlots: [0, 1, 2, 3, 4, 5, 6], poolSlots: [0, 1] }
  const { relay, remotes } = planOf(text, slots)
  const both = { version: 'v2', tlvs: ['ssl', 'crc32c'] }
  assert.deepEqual(
    remotes.map(({ options }) => options?.sendProxy),
    [both, { version: 'v1', tlvs: [] }, undefined, both, both, { version: 'v2', tlvs: ['alpn'] }, undefined],
  )
  assert.equal(relay.notesPeers, true)
  const { tcprelay } = loadText(text)
  assert.deepEqual(
    probePlans(tcprelay, []).map((plan) => plan?.sendProxy),
    ['v2', 'v1', undefined, undefined, 'v1', undefined, undefined],
  )
})
