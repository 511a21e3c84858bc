import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { relayTo } from '../harness/relay.js'
import { echoes, echoesForEver, remoteThat } from '../harness/remote.js'
import { TcpProxy } from '../harness/tcp-proxy.js'
import { connectTls, localhost, servedWith, tlsRemote } from '../harness/tls.js'

/** The `reason=` of an access line beside its `end=`. */

const TLS_LISTENER = 'address = 127.0.0.1 port = 0 tls = yes'

test('several TLS failures within one second each have their own reason', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with(servedWith(localhost(t)), 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = TLSv1.3')
    .start(t)
  const noHello = Buffer.of(22, 3, 1, 0, 5, 2, 0, 0, 1, 0)
  const said = ['GET / HTTP/1.0\r\n\r\n', 'hello there, everybody', noHello]
  for (const bytes of said) {
    const client = await Client.connect(t, { port: relay.port() })
    await client.send(bytes)
    await client.ending()
    await client.close()
  }
  const old = await connectTls(t, relay.port(), { maxVersion: 'TLSv1.2' })
  await old.close()
  await relay.logged(/ end=bad-greeting reason=/, said.length + 1)
  const reasons = relay.program.stderr
    .matching(/ end=bad-greeting /)
    .map((line) => / reason=(\S+)$/.exec(line)?.[1])
  assert.equal(new Set(reasons).size, said.length + 1, reasons.join(' | '))
})

test('a session without a remote logs why the last attempt failed', async (t) => {
  const { target } = await closedPort()
  const relay = await relayTo(target).with('dial retries = 0', 'access log = stderr').start(t)
  await (await relay.connect()).ending()
  await relay.logged(/ end=no-remote reason=connection_refused$/)
})

test('a reset has an error in the access line, an orderly end has none', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with('access log = stderr')
    .start(t)
  const client = await relay.connect()
  await client.exchange('hello')
  client.reset()
  await relay.logged(/ end=client-reset reason=connection_reset_by_peer$/)
  const other = await relay.connect()
  await other.exchange('hello')
  await other.endWriting()
  await relay.logged(/ end=done$/)
})

test('a client that violates TLS in the middle of a session is logged as TLS error, not as lost', async (t) => {
  const relay = await relayTo(await remoteThat(echoesForEver).start(t))
    .with(servedWith(localhost(t)), 'access log = stderr')
    .listeningOn(TLS_LISTENER)
    .start(t)
  const proxy = await TcpProxy.start(t, relay.port())
  const client = await connectTls(t, proxy.port)
  assert.equal(await client.exchange('hello'), 'hello')
  proxy.pairs[0]?.far.write('this is no TLS at all, it is text')
  await relay.logged(/ end=client-tls-error reason=\S+$/)
  await client.close()
})

test('a remote that violates TLS in the middle of a session is logged as TLS error, not as lost', async (t) => {
  const files = localhost(t)
  const remote = await tlsRemote(t, files, '', (socket) => void socket.pipe(socket))
  const proxy = await TcpProxy.start(t, remote.port)
  const words = `tls = yes server name = localhost ca-file = ${files.certFile}`
  const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${proxy.port} ${words}` })
    .with('access log = stderr')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  proxy.pairs[0]?.near.write('this is no TLS at all, it is text')
  await relay.logged(/ end=remote-tls-error reason=\S+$/)
  await client.close()
})
