import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_TLS, type ServerTlsSettings, type TlsPlan } from '../../engine/tls-settings.js'
import { ticketRingFor } from './tls-tickets.js'

const server: ServerTlsSettings = {
  certificates: [],
  psk: undefined,
  handshakeTimeoutMs: 0,
  truncation: 'reset',
}

function verifying(authorities: number, revocations?: number): ServerTlsSettings {
  const clientCertificates = {
    verify: 'require',
    authorities: Uint8Array.of(authorities),
    revocations: revocations === undefined ? undefined : Uint8Array.of(revocations),
  } as const
  return { ...server, clientCertificates }
}

const settings = (...servers: ServerTlsSettings[]): TlsPlan => ({ ...NO_TLS, servers })

test('without TLS there are no keys', () => {
  assert.equal(ticketRingFor(NO_TLS), undefined)
})

test('keys outlive a reload that changes certificates, or who shares what', () => {
  const before = settings(verifying(1, 2), server)
  const ring = ticketRingFor(before)
  assert.ok(ring)
  const after = settings({ ...server, alpn: ['h2'] }, { ...verifying(1, 2), truncation: 'close' })
  assert.equal(ticketRingFor(after, [before, ring]), ring)
})

test('other authorities or revocations of clients mean other keys', () => {
  const before = settings(verifying(1, 2))
  const ring = ticketRingFor(before)
  for (const after of [verifying(1, 3), verifying(4, 2), verifying(1), server]) {
    const next = ticketRingFor(settings(after), [before, ring])
    assert.ok(next)
    assert.notEqual(next, ring)
  }
  assert.equal(ticketRingFor(NO_TLS, [before, ring]), undefined)
  assert.ok(ticketRingFor(before, [NO_TLS, undefined]))
})
