/** STARTTLS of clients: `openssl s_client` through a relay that terminates TLS, and clients that do not ask for it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { sClient } from '../harness/openssl.js'
import { type Relay, type RelayPlan, relayTo } from '../harness/relay.js'
import { type Behaviour, echoes, remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith, type TlsClient } from '../harness/tls.js'
import { OPENED_PROTOCOLS, OPENINGS, type OpenedProtocol, SSL_REQUEST } from '../support/plain-openings.js'

const GREETINGS: Readonly<Partial<Record<OpenedProtocol, readonly string[]>>> = {
  smtp: ['220-origin\r\n', '220 ready\r\n'],
  imap: ['* OK [CAPABILITY ', 'IMAP4rev1] origin\r\n'],
  pop3: ['+OK origin\r\n'],
  ftp: ['220-origin\r\nwith rules\r\n', '220 ready\r\n'],
}

/** Greets as servers of the protocol do, in parts, and then echoes; bytes before the end of the greeting are an error. */
function server(protocol: OpenedProtocol, name: string): Behaviour {
  const parts = GREETINGS[protocol] ?? []
  return (socket) => {
    const tooEarly = () => socket.destroy()
    const echo = () => socket.off('data', tooEarly).on('data', (bytes) => socket.write(`${name}: ${bytes}`))
    const next = (i: number): void => {
      if (i === Math.max(parts.length - 1, 0)) echo()
      const part = parts[i]
      if (part !== undefined) socket.write(part, () => setImmediate(next, i + 1))
    }
    socket.on('data', tooEarly).on('end', () => socket.end())
    next(0)
  }
}

/** A listener and two servers for each protocol; the second one is that of the server name `two.example`. */
async function planOfAll(t: TestContext): Promise<RelayPlan> {
  const lines: string[] = []
  for (const protocol of OPENED_PROTOCOLS) {
    for (const name of ['one', 'two']) {
      const remote = await remoteThat(server(protocol, name)).start(t)
      lines.push(`pool = ${protocol}-${name} { remote = { ${remote.directive} } }`)
    }
    const of = `listener = ${protocol}`
    lines.push(`route = { ${of} server name = two.example pool = ${protocol}-two }`)
    lines.push(`route = { ${of} pool = ${protocol}-one }`)
  }
  return relayTo()
    .with(servedWith(localhost(t)), 'access log = stderr', ...lines)
    .listeningOn(
      ...OPENED_PROTOCOLS.map(
        (protocol) => `name = ${protocol} address = 127.0.0.1 port = 0 tls = yes starttls = ${protocol}`,
      ),
    )
}

for (const { name, start } of MODES) {
  test(`${name}: openssl s_client asks for TLS in each protocol, and is routed by its server name`, async (t) => {
    if (!needs(t, 'openssl')) return
    const running = await start(t, await planOfAll(t))
    const talks = OPENED_PROTOCOLS.map(async (protocol, i) => {
      const [words, name] =
        protocol === 'xmpp'
          ? [['-name', 'chat.example', '-noservername'], 'one']
          : [['-servername', 'two.example'], 'two']
      const own = ['-starttls', protocol, '-quiet', '-no_ign_eof']
      const client = sClient(t, running.port(i), ...own, ...words)
      client.say('hello\n')
      await client.saw(new RegExp(`${name}: hello`))
      assert.doesNotMatch(client.text, /origin/)
      await client.ended()
    })
    await Promise.all(talks)
    await running.logged(/ tls=TLSv1\.3 .* end=done/, talks.length)
  })
}

async function relayOf(t: TestContext, protocol: OpenedProtocol, words = ''): Promise<Relay> {
  const remote = await remoteThat(server(protocol, 'one')).start(t)
  return relayTo(remote)
    .with(servedWith(localhost(t)), 'access log = stderr')
    .listeningOn(`address = 127.0.0.1 port = 0 tls = yes starttls = ${protocol} ${words}`)
    .start(t)
}

test('bytes that are put behind the request for TLS reach no remote', async (t) => {
  const relay = await relayOf(t, 'smtp', 'starttls name = mail.example')
  const client = await Client.connect(t, { port: relay.port() })
  await client.send('EHLO me\r\nSTARTTLS\r\nRSET\r\nMAIL FROM:<mallory@example>\r\n')
  assert.equal(await client.readToEnd(), '220 mail.example ESMTP\r\n')
  await relay.logged(/closed the connection of \S+ to \S+ before TLS: the client did not wait for the answer/)
  await relay.logged(/ end=starttls reason=the_client_did_not_wait/)
  // A client that talks on in plain after the answer fails the handshake.
  const late = await Client.connect(t, { port: relay.port() })
  await late.send('STARTTLS\r\n')
  const answer = '220 mail.example ESMTP\r\n220 2.0.0 Ready to start TLS\r\n'
  assert.equal(await late.read(answer.length), answer)
  await late.send('RSET\r\n')
  await late.ending()
  await relay.logged(/ end=bad-greeting /)
})

test('a client that does not ask for TLS gets an error and the end', async (t) => {
  const relay = await relayOf(t, 'pop3', 'starttls name = mail.example')
  const client = await Client.connect(t, { port: relay.port() })
  await client.send('USER me\r\n')
  assert.equal(await client.readToEnd(), '+OK mail.example ready\r\n-ERR TLS is required: use STLS first\r\n')
  await relay.logged(/ end=starttls reason=the_client_did_not_ask_for_TLS$/)
})

test('behind a PROXY header, and with a client certificate', async (t) => {
  const files = localhost(t)
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .with(
      servedWith(files),
      `tls client-ca-file = ${files.certFile} tls verify = require`,
      'access log = stderr',
    )
    .listeningOn(
      'address = 127.0.0.1 port = 0 tls = yes starttls = postgres proxy protocol = yes proxy from = 127.0.0.1',
    )
    .start(t)
  const plain = await Client.connect(t, { port: relay.port() })
  await plain.send(Buffer.concat([Buffer.from('PROXY TCP4 198.51.100.9 192.0.2.1 7 5432\r\n'), SSL_REQUEST]))
  assert.equal(await plain.read(1), 'S')
  const { socket } = plain
  socket.removeAllListeners('data')
  const client = await connectTls(t, relay.port(), {
    socket,
    cert: files.identity.pem,
    key: files.identity.keyPem,
  })
  assert.equal(await client.exchange('hello'), 'hello')
  await client.endWriting()
  await client.ending()
  await relay.logged(/ client=198\.51\.100\.9:7 .* subject=CN=localhost .* end=done/)
})

test('a PROXY header precedes the greeting of the remote, and the bytes of the client follow it', async (t) => {
  const remote = await remoteThat((socket) => {
    const greet = (header: Buffer) => {
      assert.match(header.toString(), /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)
      socket.write('220 origin\r\n')
      socket.pipe(socket)
    }
    socket.once('data', greet)
  }).start(t)
  const relay = await relayTo(remote.with('send proxy = v1'))
    .with(servedWith(localhost(t)))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes starttls = smtp')
    .start(t)
  const client = await startTls(t, relay)
  assert.equal(await client.exchange('EHLO me\r\n'), 'EHLO me\r\n')
  await client.close()
})

/** A client of SMTP, in TLS. */
async function startTls(t: TestContext, relay: Relay): Promise<TlsClient> {
  const plain = await Client.connect(t, { port: relay.port() })
  await plain.send(OPENINGS.smtp[1])
  await plain.readThrough('220 2.0.0 Ready to start TLS\r\n')
  plain.socket.removeAllListeners('data')
  return connectTls(t, relay.port(), { socket: plain.socket })
}

test('a remote that does not greet is another one next time', async (t) => {
  const relay = await relayTo(
    await remoteThat((socket) => void socket.end('554 No service\r\n')).start(t),
    await remoteThat(server('smtp', 'one')).start(t),
  )
    .with(servedWith(localhost(t)), 'balance = first', 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes starttls = smtp')
    .start(t)
  const client = await startTls(t, relay)
  await client.send('EHLO me\r\n')
  assert.equal(await client.read(14), 'one: EHLO me\r\n')
  await client.endWriting()
  await client.ending()
  await relay.logged(/ attempts=\S+:refused .* end=done/)
  await relay.logged(/is down: its greeting is "554 No service"/)
})
