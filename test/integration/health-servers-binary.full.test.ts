import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SocketAddress } from '../../src/base/address.js'
import type { ProbeCheck } from '../../src/health/probe-checks.js'
import type { SessionRemote } from '../../src/health/probe-session.js'
import type { ProbeTls } from '../../src/health/probe-tls.js'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { asUser, needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'
import { checkAt, PLAN } from '../support/checked.js'

/**
 * The checks of binary protocols against real servers, each a process of the test on loopback with its own data: up, refusing,
 * read-only, hanging, stopped.
 */

/** Servers of databases refuse to run as root. */
const NOBODY = 65_534
const UNDER = process.getuid?.() === 0 ? asUser(NOBODY) : []
const POSTGRES_FOLDER = '/usr/lib/postgresql'

const identity = makeIdentity({ name: 'db.example', alternativeNames: ['db.example'] })

const TLS: ProbeTls = {
  id: '',
  context: { ca: identity.pem },
  serverName: 'db.example',
  alpn: undefined,
  verifies: true,
  psk: undefined,
  startsInProtocol: false,
}
const STARTS_TLS: SessionRemote = { tls: { ...TLS, startsInProtocol: true } }

/** A temporary folder with a certificate and its key, owned by the user of the servers. */
function folderOfServer(t: TestContext): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'cert.pem'), identity.pem)
  writeFileSync(join(folder, 'key.pem'), identity.keyPem, { mode: 0o600 })
  owned(folder)
  return folder
}

function owned(path: string): void {
  if (UNDER.length > 0) execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path])
}

/** Runs a program to its end, as the user of the servers. */
function prepare(...command: readonly string[]): void {
  const [file = '', ...words] = [...UNDER, ...command]
  const { status, stderr, stdout } = spawnSync(file, words, {
    encoding: 'utf8',
    env: { ...process.env, HOME: '/' },
  })
  assert.equal(status, 0, `${command.join(' ')}: ${stdout}${stderr}`)
}

class Server {
  readonly program: Program
  readonly #address: SocketAddress
  readonly #port: number

  constructor(t: TestContext, port: number, command: readonly string[]) {
    this.#port = port
    this.#address = { family: 'ipv4', host: '127.0.0.1', port }
    this.program = new Program(t, command, { under: UNDER })
    afterwards(t, () => this.stop())
  }

  async ready(): Promise<this> {
    const isReady = () => {
      if (this.program.hasEnded) throw new Error(this.program.stderr.text)
      return answers(this.#port)
    }
    await until('the server to listen', isReady, 60_000)
    return this
  }

  check(check: ProbeCheck, remote?: SessionRemote, timeoutMs = 20_000): Promise<string> {
    return checkAt(this.#address, check, { ...PLAN, timeoutMs }, remote)
  }

  /** Stops the process while `during` runs. */
  async hanging(during: () => Promise<void>): Promise<void> {
    this.program.signal('SIGSTOP')
    await during()
    this.program.signal('SIGCONT')
  }

  async stop(): Promise<void> {
    if (this.program.hasEnded) return
    // The fast shutdown of PostgreSQL.
    this.program.signal('SIGINT')
    this.program.signal('SIGTERM')
    await this.program.ended(60_000)
  }
}

const HANGING_MS = 300

function postgresFolder(t: TestContext): string | undefined {
  const versions = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER).map(Number) : []
  const version = Math.max(...versions.filter((one) => one > 0))
  if (Number.isFinite(version)) return join(POSTGRES_FOLDER, String(version), 'bin')
  needs(t, 'postgres')
  return undefined
}

test('postgres: a primary, a standby, one that takes no connections, hanging, stopped', async (t) => {
  const programs = postgresFolder(t)
  if (programs === undefined) return
  const folder = folderOfServer(t)
  const data = join(folder, 'data')
  prepare(
    join(programs, 'initdb'),
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=trust',
    '-N',
    '-E',
    'UTF8',
    '--locale=C',
  )
  const scram = 'hostssl all scram 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n'
  writeFileSync(join(data, 'pg_hba.conf'), scram)
  const start = async (...settings: readonly string[]) => {
    const port = await freePort()
    const all = [
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'fsync=off',
      'shared_buffers=4MB',
      'ssl=on',
      `ssl_cert_file=${folder}/cert.pem`,
      `ssl_key_file=${folder}/key.pem`,
      ...settings,
    ].flatMap((setting) => ['-c', setting])
    const server = new Server(t, port, [join(programs, 'postgres'), '-D', data, '-p', String(port), ...all])
    return server.ready()
  }
  const any = { type: 'postgres', user: 'postgres', database: 'postgres', role: 'any' } as const
  const [primary, replica] = [{ ...any, role: 'primary' } as const, { ...any, role: 'replica' } as const]
  const server = await start()
  // Recovery after the start takes a moment.
  await until('the server to be up', async () => (await server.check(any)) === 'up: ')
  assert.equal(await server.check(primary), 'up: primary')
  assert.equal(await server.check(replica), 'down: it is a primary, expected a replica')
  assert.equal(await server.check(primary, STARTS_TLS), 'up: primary')
  const missing = '"role \\"missing\\" does not exist" (28000)'.replaceAll('\\', '')
  assert.equal(await server.check({ ...any, user: 'missing' }), `up: ${missing}`)
  assert.equal(await server.check({ ...primary, user: 'missing' }), `down: ${missing}`)
  assert.equal(await server.check({ ...any, user: 'scram' }, STARTS_TLS), 'up: it asks for authentication')
  await server.hanging(async () => {
    const outcome = await server.check(any, undefined, HANGING_MS)
    assert.equal(outcome, 'down: no answer to the startup message within 0.3 s')
  })
  assert.equal(await server.check(primary), 'up: primary')
  await server.stop()
  assert.equal(await server.check(primary), 'down: connection refused')
  writeFileSync(join(data, 'standby.signal'), '')
  owned(data)
  const standby = await start()
  await until('the standby to be up', async () => (await standby.check(replica)) === 'up: replica')
  assert.equal(await standby.check(primary), 'down: it is a replica, expected a primary')
  await standby.stop()
  const cold = await start('hot_standby=off')
  const text = 'the database system is not accepting connections'
  await until('it to refuse', async () => (await cold.check(any)) === `down: "${text}" (57P03)`)
})

test('mariadb: with and without a login, read-only, hanging, stopped', async (t) => {
  if (!needs(t, 'mariadbd', 'mariadb-install-db')) return
  const folder = folderOfServer(t)
  const [data, init] = [join(folder, 'data'), join(folder, 'init.sql')]
  mkdirSync(data)
  writeFileSync(
    init,
    "create or replace user joe@'%';\ncreate or replace user jim@'%' identified by 'secret';\n",
  )
  owned(folder)
  prepare(
    'mariadb-install-db',
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  )
  const start = async (...settings: readonly string[]) => {
    const port = await freePort()
    const words = [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${folder}/socket`,
      `--pid-file=${folder}/pid`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--innodb-buffer-pool-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
      `--init-file=${init}`,
      `--ssl-cert=${folder}/cert.pem`,
      `--ssl-key=${folder}/key.pem`,
    ]
    return new Server(t, port, ['mariadbd', ...words, ...settings]).ready()
  }
  const greeting = { type: 'mysql', user: undefined, role: 'any' } as const
  const [joe, primary] = [
    { ...greeting, user: 'joe' },
    { type: 'mysql', user: 'joe', role: 'primary' } as const,
  ]
  const server = await start()
  assert.match(await server.check(greeting), /^up: version ".*MariaDB.*"$/)
  assert.match(await server.check(joe), /^up: version ".*MariaDB.*"$/)
  assert.match(await server.check(primary), /^up: version ".*", primary$/)
  assert.match(await server.check(primary, STARTS_TLS), /^up: version ".*", primary$/)
  assert.match(await server.check(greeting, STARTS_TLS), /^up: version ".*"$/)
  assert.equal(
    await server.check({ ...primary, role: 'replica' }),
    'down: it is a primary (read_only = "0"), expected a replica',
  )
  for (const user of ['jim', 'missing'])
    assert.equal(
      await server.check({ ...joe, user }),
      `down: "Access denied for user '${user}'@'localhost' (using password: NO)" (error 1045)`,
    )
  await server.hanging(async () => {
    assert.match(
      await server.check(joe, undefined, HANGING_MS),
      /^down: no (greeting|connection) within 0\.3 s$/,
    )
  })
  await server.stop()
  assert.equal(await server.check(joe), 'down: connection refused')
  const reader = await start('--read-only')
  assert.match(await reader.check({ ...primary, role: 'replica' }), /^up: version ".*", replica$/)
  assert.equal(await reader.check(primary), 'down: it is a replica (read_only = "1"), expected a primary')
})

test('slapd: anonymous binds that are allowed and that are not, TLS, hanging, stopped', async (t) => {
  if (!needs(t, 'slapd')) return
  const folder = folderOfServer(t)
  const start = async (text: string, scheme = 'ldap') => {
    const file = join(folder, 'slapd.conf')
    writeFileSync(file, `pidfile ${folder}/pid\nargsfile ${folder}/args\n${text}\n`)
    owned(folder)
    const port = await freePort()
    return new Server(t, port, [
      'slapd',
      '-d',
      '0',
      '-h',
      `${scheme}://127.0.0.1:${port}`,
      '-f',
      file,
    ]).ready()
  }
  const check = { type: 'ldap', results: [0] } as const
  const server = await start('')
  assert.equal(await server.check(check), 'up: result success (0)')
  await server.hanging(async () => {
    const outcome = await server.check(check, undefined, HANGING_MS)
    assert.equal(outcome, 'down: no answer to the bind within 0.3 s')
  })
  await server.stop()
  assert.equal(await server.check(check), 'down: connection refused')
  const strict = await start('disallow bind_anon')
  const text = 'result inappropriateAuthentication (48) "anonymous bind disallowed"'
  assert.equal(await strict.check(check), `down: ${text}`)
  assert.equal(await strict.check({ ...check, results: [0, 48] }), `up: ${text}`)
  const files = `TLSCertificateFile ${folder}/cert.pem\nTLSCertificateKeyFile ${folder}/key.pem`
  const secure = await start(files, 'ldaps')
  assert.equal(await secure.check(check, { tls: TLS }), 'up: result success (0)')
})

test('mosquitto: anonymous clients, right and wrong passwords, hanging, stopped', async (t) => {
  if (!needs(t, 'mosquitto', 'mosquitto_passwd')) return
  const folder = folderOfServer(t)
  const passwords = join(folder, 'passwords')
  prepare('mosquitto_passwd', '-c', '-b', passwords, 'joe', 'secret')
  const start = async (text: string) => {
    const port = await freePort()
    const file = join(folder, 'mosquitto.conf')
    writeFileSync(file, `listener ${port} 127.0.0.1\n${text}\n`)
    return new Server(t, port, ['mosquitto', '-c', file]).ready()
  }
  const check = { type: 'mqtt', clientId: undefined, user: undefined, password: undefined } as const
  const server = await start('allow_anonymous true')
  assert.equal(await server.check(check), 'up: ')
  await server.hanging(async () => {
    const outcome = await server.check(check, undefined, HANGING_MS)
    assert.equal(outcome, 'down: no answer to CONNECT within 0.3 s')
  })
  await server.stop()
  assert.equal(await server.check(check), 'down: connection refused')
  const files = `certfile ${folder}/cert.pem\nkeyfile ${folder}/key.pem`
  const strict = await start(`allow_anonymous false\npassword_file ${passwords}\n${files}`)
  const refused = 'down: not authorized (return code 5)'
  const secure = { tls: TLS }
  assert.equal(await strict.check(check, secure), refused)
  assert.equal(await strict.check({ ...check, user: 'joe', password: 'wrong' }, secure), refused)
  assert.equal(await strict.check({ ...check, user: 'joe', password: 'secret' }, secure), 'up: ')
})
