import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { afterwards } from '../harness/clean-up.js'
import { isAsleep } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { TcpProxy } from '../harness/tcp-proxy.js'
import { localhost } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { Forger, HANDSHAKE } from '../support/tls-forger.js'

/** A NewSessionTicket (RFC 8446, 4.6.1) with a ticket of 32 bytes. */
const TICKET = Buffer.from(`0400002e00000e1000000000010000${'20'}${'ab'.repeat(32)}0000`, 'hex')

/** Node's server sends two tickets, each in a record. */
const TICKETS_OF_NODE = 2

test('a remote whose ticket spans two records gets close_notify afterwards, and no reset', async (t) => {
  const { identity, certFile } = localhost(t)
  const options = { key: identity.keyPem, cert: identity.pem, allowHalfOpen: true } as const
  const server = createServer({ ...options, minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' })
  afterwards(t, () => void server.close())
  let secret = ''
  server.on('keylog', (line: Buffer) => {
    secret = /^SERVER_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(String(line))?.[1] ?? secret
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const proxy = await TcpProxy.start(t, typeof address === 'object' ? (address?.port ?? 0) : 0)
  const words = `tls = yes server name = localhost ca-file = ${certFile}`
  const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${proxy.port} ${words}` })
    .with('access log = stderr')
    .start(t)
  const accepted = once(server, 'secureConnection')
  const client = await relay.connect()
  const [remote] = await accepted
  afterwards(t, () => void remote.destroy())
  const endings: string[] = []
  remote.on('error', (error: Error) => endings.push(error.message)).on('end', () => endings.push('end'))
  await client.send('hello')
  assert.equal(String((await once(remote, 'data'))[0]), 'hello')

  const forger = new Forger(Buffer.from(secret, 'hex'), TICKETS_OF_NODE)
  const inject = async (part: Buffer) => {
    await new Promise((resolve) => proxy.pairs[0]?.near.write(forger.record(HANDSHAKE, part), resolve))
    await until('the relay to have seen it', () => isAsleep(relay.pid))
  }
  await inject(TICKET.subarray(0, 20))
  await client.endWriting()
  await until('the relay to wait', () => isAsleep(relay.pid))
  await inject(TICKET.subarray(20))
  await until('the end of the connection', () => endings.length > 0)
  assert.deepEqual(endings, ['end'])
  client.reset()
  // Until then the remote could still send.
  await relay.logged(/ to_remote=5 .* end=client-reset/)
})
