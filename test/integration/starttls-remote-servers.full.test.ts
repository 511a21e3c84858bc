/** STARTTLS towards real servers: plain client programs through the relay. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { needs } from '../harness/needs.js'
import {
  type RealServer,
  startDovecot,
  startMariadb,
  startPostfix,
  startPostgres,
  startSlapd,
  startVsftpd,
} from '../harness/real-servers.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { run } from '../harness/run-program.js'

/** Of a server on loopback whose certificate is verified. */
function remoteAt({ certFile }: RealServer, port: number, protocol: string) {
  return {
    directive: `address = 127.0.0.1 port = ${port} starttls = ${protocol} tls = yes server name = db.example ca-file = ${certFile}`,
  }
}

/** How sessions end depends on the server: vsftpd sends no close_notify, dovecot may reset. */
const TLS_LOGGED = / remote_tls=TLSv1\.\d .* end=/

async function served(t: TestContext, server: RealServer, port: number, protocol: string): Promise<Relay> {
  return relayTo(remoteAt(server, port, protocol))
    .with('access log = stderr', 'health = { type = tls interval = 50ms timeout = 10s }')
    .start(t)
}

test('postgres: psql with a password, over TCP and over a Unix socket', async (t) => {
  const server = await startPostgres(t)
  if (server === undefined) return
  const folder = temporaryFolder(t)
  const relay = await relayTo(remoteAt(server, server.port, 'postgres'))
    .with('access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0', `path = ${folder}/.s.PGSQL.5432`)
    .start(t)
  const sql = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
  const psql = (at: string, env: Readonly<Record<string, string>> = {}) =>
    run(['psql', '-At', '-d', `${at} user=joe dbname=postgres`, '-c', sql], { PGPASSWORD: 'secret', ...env })
  const tcp = `host=127.0.0.1 port=${relay.port()}`
  const yes = { status: 0, output: 't\n' }
  assert.deepEqual(await psql(`host=${folder} port=5432`), yes)
  await relay.logged(TLS_LOGGED)
  assert.deepEqual(
    await psql(`host=${folder} port=5432`, { PGSSLMODE: 'require' }),
    yes,
    'not over a Unix socket',
  )
  // Each of them asks the relay for encryption, except the last one.
  for (const mode of ['prefer', 'allow', 'disable'])
    assert.deepEqual(await psql(tcp, { PGSSLMODE: mode }), yes, mode)
  const required = await psql(tcp, { PGSSLMODE: 'require' })
  assert.match(required.output, /server does not support SSL, but SSL was required/)
  const wrong = await psql(tcp, { PGPASSWORD: 'wrong' })
  assert.match(wrong.output, /password authentication failed/)
})

test('mariadb: clients with passwords, over TCP and over a Unix socket', async (t) => {
  const server = await startMariadb(t)
  if (server === undefined) return
  const socket = join(temporaryFolder(t), 'mysql.sock')
  const relay = await relayTo(remoteAt(server, server.port, 'mysql'))
    .with(
      'access log = stderr',
      'health = { type = mysql user = joe interval = 50ms timeout = 10s fall = 1 }',
    )
    .listeningOn('address = 127.0.0.1 port = 0', `path = ${socket}`)
    .start(t)
  await relay.logged(/is down: health check: "Access denied for user 'joe'/)
  const other = await relayTo(remoteAt(server, server.port, 'mysql'))
    .with('access log = stderr', 'health = { type = tls interval = 50ms timeout = 10s }')
    .listeningOn('address = 127.0.0.1 port = 0', `path = ${socket}2`)
    .start(t)
  const mysql = (...words: readonly string[]) =>
    run(['mysql', '--no-defaults', '-N', '-B', ...words, '-e', "show status like 'Ssl_version'"])
  const tcp = ['-h', '127.0.0.1', '-P', String(other.port())]
  for (const user of ['joe', 'eve']) {
    for (const way of [
      tcp,
      [...tcp, '--compress'],
      [...tcp, '-D', 'information_schema'],
      ['-S', `${socket}2`],
    ]) {
      const { output, status } = await mysql(...way, '-u', user, '-psecret')
      assert.equal(status, 0, `${way}: ${output}${other.program.stderr.text}`)
      assert.match(output, /Ssl_version\tTLSv1\.\d/)
    }
    const wrong = await mysql(...tcp, '-u', user, '-pwrong')
    assert.match(wrong.output, /ERROR 1045 .*Access denied for user/)
  }
  await other.logged(TLS_LOGGED)
  assert.doesNotMatch(other.program.stderr.text, /is down/)
})

test('postfix: a plain client reads the greeting and its own answers', async (t) => {
  const server = await startPostfix(t, 'smtpd_tls_security_level = encrypt')
  if (server === undefined) return
  const relay = await served(t, server, server.port, 'smtp')
  const client = await relay.connect()
  assert.match(await client.readThrough('\r\n'), /^220 mx\.example\.test ESMTP/)
  await client.send('EHLO client.test\r\n')
  const answer = await client.readThrough('250 CHUNKING\r\n')
  assert.match(answer, /^250-mx\.example\.test\r\n/)
  assert.doesNotMatch(answer, /STARTTLS/)
  await client.send('MAIL FROM:<a@b.test>\r\n')
  assert.match(await client.readThrough('\r\n'), /^250 2\.1\.0 Ok/, 'permitted over TLS only')
  await client.send('QUIT\r\n')
  assert.match(await client.readToEnd(), /^221 /)
  await client.close()
  await relay.logged(TLS_LOGGED)
})

test('postfix without STARTTLS is down, and no client gets to it in the plain', async (t) => {
  const server = await startPostfix(t, 'smtpd_tls_security_level = none')
  if (server === undefined) return
  const relay = await relayTo(remoteAt(server, server.port, 'smtp'))
    .with('access log = stderr', 'dial retries = 0')
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.ending(), 'ECONNRESET')
  await client.close()
  const why = /STARTTLS was refused: answer to STARTTLS: "502 5\.5\.1 Error: command not implemented"/
  await relay.logged(new RegExp(`remote \\S+ is down: ${why.source}`))
  await relay.logged(/ failed_attempts?=\S+:starttls .* end=no-remote|:starttls/)
})

test('slapd: anonymous requests by curl', async (t) => {
  const server = await startSlapd(t)
  if (server === undefined || !needs(t, 'curl')) return
  const relay = await served(t, server, server.port, 'ldap')
  const { output, status } = await run([
    'curl',
    '-sS',
    `ldap://127.0.0.1:${relay.port()}/?supportedLDAPVersion?base`,
  ])
  assert.equal(status, 0, `${output}${relay.program.stderr.text}`)
  assert.match(output, /supportedLDAPVersion: 3/)
  await relay.logged(TLS_LOGGED)
})

test('dovecot: IMAP and POP3 with passwords by curl', async (t) => {
  const server = await startDovecot(t)
  if (server === undefined || !needs(t, 'curl')) return
  const imap = await served(t, server, server.port, 'imap')
  const pop3 = await served(t, server, server.pop3, 'pop3')
  const curl = ['curl', '-sS', '-u', 'joe:secret']
  const listed = await run([...curl, `imap://127.0.0.1:${imap.port()}/`])
  assert.equal(listed.status, 0, listed.output)
  assert.match(listed.output, /INBOX/)
  await imap.logged(TLS_LOGGED)
  const counted = await run([...curl, `pop3://127.0.0.1:${pop3.port()}/`])
  assert.equal(counted.status, 0, counted.output)
  await pop3.logged(TLS_LOGGED)
})

test('vsftpd: a file by curl; its data connection does not pass the relay', async (t) => {
  const server = await startVsftpd(t)
  if (server === undefined || !needs(t, 'curl')) return
  const relay = await served(t, server, server.port, 'ftp')
  const { output, status } = await run(['curl', '-sS', `ftp://127.0.0.1:${relay.port()}/page.txt`])
  assert.equal(status, 0, output)
  assert.equal(output, 'a page')
  await relay.logged(TLS_LOGGED)
})
