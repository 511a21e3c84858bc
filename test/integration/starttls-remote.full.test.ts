/** STARTTLS towards scripted servers, with real TLS. Real servers: `starttls-remote-servers.full.test.ts`. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { StarttlsName } from '../../src/base/starttls-names.js'
import { relayTo } from '../harness/relay.js'
import { echoes, type Remote, remoteThat } from '../harness/remote.js'
import { connectTls, type IdentityFiles, localhost, servedWith } from '../harness/tls.js'

const LDAP_YES = '\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00'

interface Script {
  /** What the server says by itself. */
  readonly greeting: string
  /** What it answers to each request of the relay. */
  readonly answers: readonly string[]
  /** What the client of the relay gets. */
  readonly passedOn: string
}

/** MySQL is different: see `starttls-mysql.test.ts`. */
type Scripted = Exclude<StarttlsName, 'mysql'>

const SCRIPTS: Readonly<Record<Scripted, Script>> = {
  smtp: {
    greeting: '220 mx.test ESMTP\r\n',
    answers: ['250-mx.test\r\n250 STARTTLS\r\n', '220 go\r\n'],
    passedOn: '220 mx.test ESMTP\r\n',
  },
  imap: {
    greeting: '* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello\r\n',
    answers: ['a OK go\r\n'],
    passedOn: '* OK hello\r\n',
  },
  pop3: { greeting: '+OK <1.2@pop.test>\r\n', answers: ['+OK go\r\n'], passedOn: '+OK <1.2@pop.test>\r\n' },
  ftp: {
    greeting: '220-hello\r\n220 there\r\n',
    answers: ['234 go\r\n'],
    passedOn: '220-hello\r\n220 there\r\n',
  },
  ldap: { greeting: '', answers: [LDAP_YES], passedOn: '' },
  postgres: { greeting: '', answers: ['S'], passedOn: '' },
  xmpp: {
    greeting: '',
    answers: [
      "<?xml version='1.0'?><stream:stream><stream:features><starttls/></stream:features>",
      '<proceed/>',
    ],
    passedOn: '',
  },
}

const PROTOCOLS = Object.keys(SCRIPTS) as Scripted[]

/** Speaks the script, and then calls `follow`. */
function speaks(script: Script, follow: (socket: Socket) => void) {
  return (socket: Socket) => {
    if (script.greeting !== '') socket.write(script.greeting, 'latin1')
    let nth = 0
    const onRequest = () => {
      const answer = script.answers[nth++] ?? ''
      const isLast = nth === script.answers.length
      if (isLast) socket.off('data', onRequest).pause()
      socket.write(answer, 'latin1', () => {
        if (isLast) follow(socket)
      })
    }
    socket.on('data', onRequest)
  }
}

/** TLS on the server's side, which echoes. */
function echoesOverTls({ identity }: IdentityFiles) {
  const secureContext = createSecureContext({ key: identity.keyPem, cert: identity.pem })
  return (socket: Socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext })
    secure.on('error', () => {})
    echoes(secure)
  }
}

function wordsFor(protocol: Scripted, { certFile }: IdentityFiles): string {
  return `starttls = ${protocol} tls = yes server name = localhost ca-file = ${certFile}`
}

/** One relay with a listener and a pool for each protocol. */
async function relayToAll(
  t: TestContext,
  remotes: readonly Remote[],
  server: IdentityFiles,
  ...lines: string[]
) {
  const pools = PROTOCOLS.map((protocol, i) => {
    return `pool = ${protocol} { remote = { ${remotes[i]?.directive} ${wordsFor(protocol, server)} } }`
  })
  return relayTo()
    .with(...pools, ...lines)
    .listeningOn(...PROTOCOLS.map((protocol) => `address = 127.0.0.1 port = 0 pool = ${protocol}`))
    .start(t)
}

test('plain clients get the greeting and reach the server over TLS, in every protocol', async (t) => {
  const server = localhost(t)
  const tls = echoesOverTls(server)
  const remotes = await Promise.all(
    PROTOCOLS.map((protocol) => remoteThat(speaks(SCRIPTS[protocol], tls)).start(t)),
  )
  const relay = await relayToAll(t, remotes, server, 'access log = stderr')
  for (const [i, protocol] of PROTOCOLS.entries()) {
    const { passedOn } = SCRIPTS[protocol]
    const client = await relay.connect({ port: relay.port(i) })
    // PostgreSQL waits for its client, the others for nobody.
    if (passedOn !== '') assert.equal(await client.read(passedOn.length), passedOn)
    // As a client of PostgreSQL, whose first message the server answers.
    assert.equal(await client.exchange('E\0\0\0\x08hello'), 'E\0\0\0\x08hello', protocol)
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await client.close()
    const bytes = `to_remote=10 to_client=${passedOn.length + 10}`
    await relay.logged(new RegExp(`pool=${protocol} .* remote_tls=TLSv1\\.3 .* ${bytes} .*end=done`))
  }
})

test('bytes of the plain connection are never taken for bytes of TLS, in any protocol', async (t) => {
  const server = localhost(t)
  const remotes = await Promise.all(
    PROTOCOLS.map((protocol) => {
      const { answers, greeting, passedOn } = SCRIPTS[protocol]
      const injected = answers.map((answer, i) => (i === answers.length - 1 ? `${answer}injected` : answer))
      return remoteThat(speaks({ greeting, answers: injected, passedOn }, echoesOverTls(server))).start(t)
    }),
  )
  const relay = await relayToAll(t, remotes, server, 'access log = stderr', 'dial retries = 0')
  for (const [i, protocol] of PROTOCOLS.entries()) {
    const client = await relay.connect({ port: relay.port(i) })
    assert.equal(await client.ending(), 'ECONNRESET', protocol)
    await client.close()
    const why = 'STARTTLS_failed:_more_bytes_behind_the_answer_to_\\S+'
    await relay.logged(new RegExp(`pool=${protocol} .*attempts=\\S+:starttls .*end=no-remote reason=${why}`))
  }
  await relay.logged(/remote \S+ is down: STARTTLS failed: more bytes behind the answer to/, PROTOCOLS.length)
})

test('bytes that arrive in the plain after the consent break the handshake', async (t) => {
  const server = localhost(t)
  const remote = await remoteThat(
    speaks(SCRIPTS.smtp, (socket) => {
      // The relay has read the consent: its ClientHello has come.
      socket.once('data', () => socket.end('250 injected\r\n')).resume()
    }),
  ).start(t)
  const relay = await relayTo(remote.with(wordsFor('smtp', server)))
    .with('access log = stderr', 'dial retries = 0')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.ending(), 'ECONNRESET')
  await client.close()
  await relay.logged(/ attempts=\S+:tls .*end=no-remote reason=TLS:_/)
})

test('a server that refuses TLS is followed by another one', async (t) => {
  const server = localhost(t)
  const refusing = await remoteThat(
    speaks({ ...SCRIPTS.smtp, answers: ['250 mx.test\r\n', '502 no\r\n'] }, echoes),
  ).start(t)
  const good = await remoteThat(speaks(SCRIPTS.smtp, echoesOverTls(server))).start(t)
  const words = wordsFor('smtp', server)
  const relay = await relayTo(
    refusing.with(`name = bad weight = 9 ${words}`),
    good.with(`name = good ${words}`),
  )
    .with('balance = first', 'access log = stderr')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.read(19), SCRIPTS.smtp.passedOn)
  await client.close()
  await relay.logged(/remote bad is down: STARTTLS was refused: answer to STARTTLS: "502 no"/)
  await relay.logged(/ remote=good .*attempts=bad:starttls /)
})

test('with TLS on both sides, behind a PROXY header', async (t) => {
  const server = localhost(t)
  let header = ''
  const script = speaks(SCRIPTS.postgres, echoesOverTls(server))
  const remote = await remoteThat((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const end = bytes.indexOf('\r\n') + 2
      header = bytes.toString('latin1', 0, end)
      socket.pause()
      socket.unshift(bytes.subarray(end))
      script(socket)
      socket.resume()
    })
  }).start(t)
  const relay = await relayTo(remote.with(`send proxy = v1 ${wordsFor('postgres', server)}`))
    .with(servedWith(localhost(t)))
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  const client = await connectTls(t, relay.port())
  // A client with TLS is denied another one as well.
  await client.send(Buffer.from('\0\0\0\x08\x04\xd2\x16\x2f', 'latin1'))
  assert.equal(await client.read(1), 'N')
  assert.equal(await client.exchange('hello'), 'hello')
  assert.match(header, /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)
  await client.close()
})

test('health checks over TLS begin with STARTTLS, and find the greeting', async (t) => {
  const server = localhost(t)
  const tls = (socket: Socket) => {
    const { keyPem, pem } = server.identity
    const secureContext = createSecureContext({ key: keyPem, cert: pem })
    const secure = new TLSSocket(socket, { isServer: true, secureContext })
    secure.on('error', () => {})
    secure.on('data', () => secure.write('250 mx.test\r\n'))
  }
  let isRefusing = true
  const refusing = { ...SCRIPTS.smtp, answers: ['500 no\r\n'] }
  const remote = await remoteThat((socket) =>
    speaks(isRefusing ? refusing : SCRIPTS.smtp, tls)(socket),
  ).start(t)
  const withCheck = (type: string) => {
    const health = `health = { type = ${type} interval = 50ms timeout = 10s rise = 1 fall = 1 }`
    return remote.with(`name = by-${type} ${wordsFor('smtp', server)} ${health}`)
  }
  const relay = await relayTo(withCheck('tls'), withCheck('smtp')).start(t)
  const why = 'health check: STARTTLS was refused: answer to EHLO: "500 no"'
  for (const type of ['tls', 'smtp']) await relay.logged(new RegExp(`remote by-${type} is down: ${why}`))
  isRefusing = false
  for (const type of ['tls', 'smtp']) await relay.logged(new RegExp(`remote by-${type} is up again`))
})
