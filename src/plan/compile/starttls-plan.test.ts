import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { loadText, planOf } from '../../../test/support/compiled-plan.js'
import { probePlans } from './probe-plans.js'

const TEXT = `
id = spawnd { listen { port = 1 } }
id = tcprelay {
  starttls = smtp
  health { type = tls }
  remote { 10.0.0.1:1 tls = yes }
  remote { 10.0.0.1:2 tls = yes starttls = imap }
  remote { 10.0.0.1:3 starttls = no health { type = tcp } }
  remote { 10.0.0.1:4 tls = yes health { port = 8 } }
  pool = a { starttls = xmpp remote { address = im.example port = 5 tls = yes } }
  pool = b { starttls = xmpp remote { 10.0.0.1:6 tls = yes server name = other.example } }
}`

const EXPECTED = [
  { protocol: 'smtp', name: hostname() },
  { protocol: 'imap', name: '' },
  undefined,
  { protocol: 'smtp', name: hostname() },
  { protocol: 'xmpp', name: 'im.example' },
  { protocol: 'xmpp', name: 'other.example' },
]

test('STARTTLS: of the remote before that of its pool, with the name that the protocol needs', () => {
  const { remotes } = planOf(TEXT, { remoteSlots: [0, 1, 2, 3, 4, 5], poolSlots: [0, 1, 2] })
  assert.deepEqual(
    remotes.map(({ starttls }) => starttls),
    EXPECTED,
  )
})

test('STARTTLS: health checks begin like sessions, unless they go elsewhere', () => {
  const { tcprelay } = loadText(TEXT)
  assert.deepEqual(
    probePlans(tcprelay, []).map((plan) => plan?.starttls),
    EXPECTED.with(3, undefined),
  )
})
