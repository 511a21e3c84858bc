/** Real servers with STARTTLS, each a process of the test on loopback with its own data. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Identity, makeIdentity } from '../support/certificates.js'
import { afterwards, temporaryFolder } from './clean-up.js'
import { freePort } from './free-ports.js'
import { asUser, needs } from './needs.js'
import { answers } from './nginx.js'
import { Program } from './program.js'
import { until } from './until.js'

/** Servers of databases refuse to run as root. */
const NOBODY = 65_534
const UNDER = process.getuid?.() === 0 ? asUser(NOBODY) : []
const POSTGRES_FOLDER = '/usr/lib/postgresql'

/** Valid for `db.example` and `localhost`. */
export const SERVER_IDENTITY: Identity = makeIdentity({
  name: 'db.example',
  alternativeNames: ['db.example', 'localhost'],
})

export interface RealServer {
  readonly port: number
  readonly folder: string
  /** The certificate, which is its own authority. */
  readonly certFile: string
}

/** A temporary folder with a certificate and its key, owned by the user of the servers. */
export function folderOfServer(t: TestContext): Pick<RealServer, 'certFile' | 'folder'> {
  const folder = temporaryFolder(t)
  const certFile = join(folder, 'cert.pem')
  writeFileSync(certFile, SERVER_IDENTITY.pem)
  writeFileSync(join(folder, 'key.pem'), SERVER_IDENTITY.keyPem, { mode: 0o600 })
  owned(folder)
  return { folder, certFile }
}

function owned(path: string): void {
  if (UNDER.length > 0) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path])
}

/** Runs a program to its end, as the user of the servers; returns its output. */
export function runAsServer(...command: readonly string[]): string {
  const [file = '', ...words] = [...UNDER, ...command]
  const { status, stderr, stdout } = spawnSync(file, words, {
    encoding: 'utf8',
    env: { ...process.env, HOME: '/' },
  })
  assert.equal(status, 0, `${command.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** Starts a server in the foreground and waits until it accepts. Ended in order after the test. */
export async function startServer(
  t: TestContext,
  port: number,
  command: readonly string[],
  { asRoot = false, signal = 'SIGTERM' }: { asRoot?: boolean; signal?: NodeJS.Signals } = {},
): Promise<Program> {
  const program = new Program(t, command, asRoot ? {} : { under: UNDER })
  afterwards(t, async () => {
    if (!program.hasEnded) program.signal(signal)
    await program.ended(60_000)
  })
  const isReady = () => {
    if (program.hasEnded) throw new Error(`${program.stderr.text}${program.stdout.text}`)
    return answers(port)
  }
  await until('the server to listen', isReady, 60_000)
  return program
}

/** Servers that start as root, and become other users. */
export function isRoot(t: TestContext): boolean {
  if (process.getuid?.() === 0) return true
  t.skip('the server must be started by root')
  return false
}

/**
 * PostgreSQL that takes its users by SCRAM, and only over TLS: `joe` with the password `secret`. `rules`: further lines of
 * pg_hba.conf.
 */
export async function startPostgres(
  t: TestContext,
  ...rules: readonly string[]
): Promise<RealServer | undefined> {
  if (!needs(t, 'psql')) return undefined
  const versions = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER).map(Number) : []
  const version = Math.max(...versions.filter((one) => one > 0))
  if (!Number.isFinite(version)) {
    needs(t, 'postgres')
    return undefined
  }
  const programs = join(POSTGRES_FOLDER, String(version), 'bin')
  const { certFile, folder } = folderOfServer(t)
  const [data, port] = [join(folder, 'data'), await freePort()]
  const words = ['-U', 'postgres', '--auth=trust', '-N', '-E', 'UTF8', '--locale=C']
  runAsServer(join(programs, 'initdb'), '-D', data, ...words)
  writeFileSync(
    join(data, 'pg_hba.conf'),
    ['local all all trust', 'hostssl all all 127.0.0.1/32 scram-sha-256', ...rules, ''].join('\n'),
  )
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'shared_buffers=4MB',
    'ssl=on',
    `ssl_cert_file=${folder}/cert.pem`,
    `ssl_key_file=${folder}/key.pem`,
  ].flatMap((setting) => ['-c', setting])
  const command = [join(programs, 'postgres'), '-D', data, '-p', String(port), ...settings]
  await startServer(t, port, command, { signal: 'SIGINT' })
  const sql = "create role joe login password 'secret'"
  const psql = ['psql', '-h', folder, '-p', String(port), '-U', 'postgres', '-c', sql]
  // Recovery after the start takes a moment.
  await until('the server to take users', () => spawnSync('psql', psql.slice(1)).status === 0)
  return { port, folder, certFile }
}

/** MariaDB that takes `joe` with the password `secret` over TLS only. */
export async function startMariadb(t: TestContext): Promise<RealServer | undefined> {
  if (!needs(t, 'mariadbd', 'mariadb-install-db', 'mysql')) return undefined
  const { certFile, folder } = folderOfServer(t)
  const [data, init, port] = [join(folder, 'data'), join(folder, 'init.sql'), await freePort()]
  mkdirSync(data)
  const users = ["joe@'%' identified by 'secret'", "eve@'%' identified via ed25519 using password('secret')"]
  writeFileSync(init, users.map((user) => `create or replace user ${user} require ssl;\n`).join(''))
  owned(folder)
  const words = [`--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  runAsServer('mariadb-install-db', '--no-defaults', ...words)
  await startServer(t, port, [
    'mariadbd',
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${folder}/socket`,
    `--pid-file=${folder}/pid`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--innodb-buffer-pool-size=8M',
    '--innodb-flush-log-at-trx-commit=0',
    '--plugin-load-add=auth_ed25519',
    `--init-file=${init}`,
    `--ssl-cert=${certFile}`,
    `--ssl-key=${folder}/key.pem`,
  ])
  return { port, folder, certFile }
}

/** Postfix with its SMTP server alone, by its master daemon. `lines`: of main.cf. */
export async function startPostfix(
  t: TestContext,
  ...lines: readonly string[]
): Promise<RealServer | undefined> {
  if (!needs(t, 'postfix') || !isRoot(t)) return undefined
  const { certFile, folder } = folderOfServer(t)
  const port = await freePort()
  const [configuration, queue, data] = [join(folder, 'etc'), join(folder, 'queue'), join(folder, 'data')]
  chmodSync(folder, 0o755)
  const inQueue = ['pid', 'public', 'private', 'incoming', 'active', 'maildrop'].map((name) =>
    join(queue, name),
  )
  for (const made of [configuration, queue, data, ...inQueue]) mkdirSync(made)
  execFileSync('chown', ['-R', 'root', configuration, queue, `${folder}/key.pem`])
  execFileSync('chown', ['postfix', data, ...inQueue.slice(1)])
  const settings = [
    'compatibility_level = 3.6',
    `queue_directory = ${queue}`,
    `data_directory = ${data}`,
    'inet_protocols = ipv4',
    'inet_interfaces = 127.0.0.1',
    'myhostname = mx.example.test',
    'mydestination =',
    'smtpd_client_connection_count_limit = 0',
    'smtpd_client_connection_rate_limit = 0',
    'smtpd_delay_reject = no',
    `smtpd_tls_cert_file = ${certFile}`,
    `smtpd_tls_key_file = ${folder}/key.pem`,
    ...lines,
  ]
  const services = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'rewrite unix - - n - - trivial-rewrite',
    'proxymap unix - - n - - proxymap',
    'tlsmgr unix - - n 1000? 1 tlsmgr',
  ]
  writeFileSync(join(configuration, 'main.cf'), `${settings.join('\n')}\n`)
  writeFileSync(join(configuration, 'master.cf'), `${services.join('\n')}\n`)
  const command = ['/usr/lib/postfix/sbin/master', '-d', '-c', configuration]
  await startServer(t, port, command, { asRoot: true })
  return { port, folder, certFile }
}

/** slapd without a database, which answers to anonymous binds and to a search of its root, by default over TLS only. */
export async function startSlapd(
  t: TestContext,
  security = 'security tls=128',
): Promise<RealServer | undefined> {
  if (!needs(t, 'slapd')) return undefined
  const { certFile, folder } = folderOfServer(t)
  const [file, port] = [join(folder, 'slapd.conf'), await freePort()]
  writeFileSync(
    file,
    `pidfile ${folder}/pid\nargsfile ${folder}/args\nTLSCertificateFile ${certFile}\n` +
      `TLSCertificateKeyFile ${folder}/key.pem\n${security}\n`,
  )
  owned(folder)
  await startServer(t, port, ['slapd', '-d', '0', '-h', `ldap://127.0.0.1:${port}`, '-f', file])
  return { port, folder, certFile }
}

/** Ports of dovecot, which takes its users over TLS only: `joe` with the password `secret`. */
export interface MailServer extends RealServer {
  readonly pop3: number
}

/** IMAP at `port`, POP3 at `pop3`. With `ssl = yes` also without TLS, for clients on loopback. */
export async function startDovecot(
  t: TestContext,
  ssl: 'required' | 'yes' = 'required',
): Promise<MailServer | undefined> {
  if (!needs(t, 'dovecot') || !isRoot(t)) return undefined
  const { certFile, folder } = folderOfServer(t)
  const [port, pop3] = [await freePort(), await freePort()]
  const file = join(folder, 'dovecot.conf')
  chmodSync(folder, 0o755)
  execFileSync('chown', ['root', `${folder}/key.pem`])
  const listener = (protocol: string, at: number) =>
    `service ${protocol}-login {\n chroot =\n inet_listener ${protocol} {\n address = 127.0.0.1\n port = ${at}\n }\n` +
    ` inet_listener ${protocol}s {\n port = 0\n }\n}\n`
  writeFileSync(join(folder, 'users'), 'joe:{PLAIN}secret\n')
  writeFileSync(
    file,
    `base_dir = ${folder}/run\nlog_path = /dev/stderr\nprotocols = imap pop3\nssl = ${ssl}\n` +
      `ssl_cert = <${certFile}\nssl_key = <${folder}/key.pem\nssl_dh =\n` +
      `mail_location = maildir:${folder}/mail\ndisable_plaintext_auth = yes\nauth_mechanisms = plain\n` +
      `passdb {\n driver = passwd-file\n args = ${folder}/users\n}\n` +
      `userdb {\n driver = static\n args = uid=${NOBODY} gid=${NOBODY} home=${folder}/home\n}\n` +
      `first_valid_uid = 1\nfirst_valid_gid = 1\n${listener('imap', port)}${listener('pop3', pop3)}`,
  )
  for (const name of ['mail', 'home']) {
    mkdirSync(join(folder, name))
    owned(join(folder, name))
  }
  await startServer(t, port, ['dovecot', '-F', '-c', file], { asRoot: true })
  await until('POP3 to be served', () => answers(pop3))
  return { port, pop3, folder, certFile }
}

/** vsftpd with a file `page.txt` for anonymous users, by default over TLS only. */
export async function startVsftpd(
  t: TestContext,
  forceTls: 'YES' | 'NO' = 'YES',
): Promise<RealServer | undefined> {
  if (!needs(t, 'vsftpd') || !isRoot(t)) return undefined
  const { certFile, folder } = folderOfServer(t)
  const [file, port] = [join(folder, 'vsftpd.conf'), await freePort()]
  const [pages, empty] = [join(folder, 'pages'), join(folder, 'empty')]
  for (const made of [pages, empty]) mkdirSync(made)
  for (const made of [folder, pages, empty]) chmodSync(made, 0o755)
  execFileSync('chown', ['-R', 'root', folder])
  writeFileSync(join(pages, 'page.txt'), 'a page')
  const settings = {
    background: 'NO',
    listen: 'YES',
    listen_address: '127.0.0.1',
    listen_port: String(port),
    anonymous_enable: 'YES',
    anon_root: pages,
    no_anon_password: 'YES',
    local_enable: 'NO',
    secure_chroot_dir: empty,
    ssl_enable: 'YES',
    allow_anon_ssl: 'YES',
    force_anon_logins_ssl: forceTls,
    force_anon_data_ssl: 'NO',
    rsa_cert_file: certFile,
    rsa_private_key_file: `${folder}/key.pem`,
    ssl_tlsv1: 'YES',
    require_ssl_reuse: 'NO',
    seccomp_sandbox: 'NO',
  }
  const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, text.join(''))
  await startServer(t, port, ['vsftpd', file], { asRoot: true })
  return { port, folder, certFile }
}
