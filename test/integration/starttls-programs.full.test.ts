/** STARTTLS of client programs through a listener, to real servers without TLS, and to the same ones with STARTTLS. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { needs } from '../harness/needs.js'
import {
  type RealServer,
  startDovecot,
  startPostfix,
  startPostgres,
  startSlapd,
  startVsftpd,
} from '../harness/real-servers.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { run } from '../harness/run-program.js'
import { localhost, servedWith } from '../harness/tls.js'

interface Way {
  readonly name: string
  readonly port: number
  /** In the access log. */
  readonly logged: RegExp
}

interface Ways {
  readonly relay: Relay
  readonly ways: readonly Way[]
  /** The certificate of the relay. */
  readonly certFile: string
}

/** Two listeners with STARTTLS: the remote of one is asked for TLS, that of the other is not. */
async function waysTo(
  t: TestContext,
  { certFile, port = 0 }: Pick<RealServer, 'certFile' | 'port'>,
  protocol: string,
): Promise<Ways> {
  const files = localhost(t)
  const at = `address = 127.0.0.1 port = ${port}`
  const own = `starttls = ${protocol} tls = yes`
  const relay = await relayTo()
    .with(
      servedWith(files),
      'access log = stderr',
      `pool = plain { remote = { ${at} } }`,
      `pool = secure { remote = { ${at} ${own} server name = db.example ca-file = ${certFile} } }`,
    )
    .listeningOn(
      `address = 127.0.0.1 port = 0 ${own} pool = plain`,
      `address = 127.0.0.1 port = 0 ${own} pool = secure`,
    )
    .start(t)
  const ways = [
    {
      name: 'plain',
      port: relay.port(0),
      logged: / pool=plain (?!.*remote_tls=).* tls=TLSv1\.\d .* end=/,
    },
    { name: 'secure', port: relay.port(1), logged: / pool=secure .* remote_tls=TLSv1\.\d .* end=/ },
  ]
  return { relay, ways, certFile: files.certFile }
}

test('postgres: psql verifies the relay, and is refused without TLS', async (t) => {
  const server = await startPostgres(t, 'host all all 127.0.0.1/32 trust')
  if (server === undefined) return
  const { certFile, relay, ways } = await waysTo(t, server, 'postgres')
  for (const { logged, name, port } of ways) {
    const psql = (words: string) =>
      run(
        [
          'psql',
          '-At',
          '-d',
          `host=localhost port=${port} user=joe dbname=postgres ${words}`,
          '-c',
          'select 6 * 7',
        ],
        { PGPASSWORD: 'secret' },
      )
    const verified = `sslmode=verify-full sslrootcert=${certFile} channel_binding=disable`
    assert.deepEqual(await psql(verified), { status: 0, output: '42\n' }, name)
    await relay.logged(logged)
    const { output } = await psql('sslmode=disable')
    assert.match(output, /FATAL: {2}TLS is required/)
  }
})

test('postfix: curl gets as far as the recipient', async (t) => {
  const server = await startPostfix(
    t,
    'smtpd_tls_security_level = may',
    'smtpd_recipient_restrictions = reject',
  )
  if (server === undefined || !needs(t, 'curl')) return
  const { certFile, relay, ways } = await waysTo(t, server, 'smtp')
  for (const { logged, port } of ways) {
    const curl = [
      'curl',
      '-sSv',
      '--max-time',
      '60',
      '--mail-from',
      'a@b.test',
      '--mail-rcpt',
      'c@d.test',
      '-T',
      '/dev/null',
    ]
    const place = `smtp://localhost:${port}/client.test`
    const { output } = await run([...curl, '--ssl-reqd', '--cacert', certFile, place])
    assert.match(output, /< 250-mx\.example\.test[\s\S]*< 250 2\.1\.0 Ok[\s\S]*< 554 5\.7\.1 /)
    assert.doesNotMatch(output, /220 mx\.example\.test/)
    await relay.logged(logged)
    const plain = await run([...curl, place])
    assert.match(plain.output, /< 530 5\.7\.0 Must issue a STARTTLS command first/)
  }
})

test('slapd: ldapsearch with StartTLS, and without', async (t) => {
  const server = await startSlapd(t, '')
  if (server === undefined || !needs(t, 'ldapsearch')) return
  const { relay, ways } = await waysTo(t, server, 'ldap')
  for (const { logged, port } of ways) {
    const search = (...words: readonly string[]) =>
      run(
        [
          'ldapsearch',
          '-x',
          '-H',
          `ldap://localhost:${port}`,
          '-s',
          'base',
          '-b',
          '',
          ...words,
          'supportedLDAPVersion',
        ],
        { LDAPTLS_REQCERT: 'never' },
      )
    const found = await search('-ZZ')
    assert.equal(found.status, 0, found.output)
    assert.match(found.output, /supportedLDAPVersion: 3/)
    await relay.logged(logged)
    const plain = await search()
    assert.match(
      plain.output,
      /Confidentiality required \(13\)\s+additional info: TLS is required: use StartTLS first/,
    )
  }
})

test('dovecot: curl reads IMAP and POP3 with a password', async (t) => {
  const server = await startDovecot(t, 'yes')
  if (server === undefined || !needs(t, 'curl')) return
  for (const [protocol, port] of [
    ['imap', server.port],
    ['pop3', server.pop3],
  ] as const) {
    const { certFile, relay, ways } = await waysTo(t, { ...server, port }, protocol)
    for (const way of ways) {
      const { output, status } = await run([
        'curl',
        '-sSv',
        '--ssl-reqd',
        '--cacert',
        certFile,
        '-u',
        'joe:secret',
        `${protocol}://localhost:${way.port}/`,
      ])
      assert.equal(status, 0, output)
      assert.doesNotMatch(output, /Dovecot.*ready/)
      await relay.logged(way.logged)
    }
  }
})

test('vsftpd: curl gets a file, whose connection does not pass the relay', async (t) => {
  const server = await startVsftpd(t, 'NO')
  if (server === undefined || !needs(t, 'curl')) return
  const { certFile, relay, ways } = await waysTo(t, server, 'ftp')
  for (const { logged, port } of ways) {
    const place = `ftp://localhost:${port}/page.txt`
    const { output, status } = await run(['curl', '-4sS', '--ftp-ssl-control', '--cacert', certFile, place])
    assert.deepEqual({ output, status }, { output: 'a page', status: 0 })
    await relay.logged(logged)
  }
})
