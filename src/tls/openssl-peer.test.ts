import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { afterwards } from '../../test/harness/clean-up.js'
import { needs } from '../../test/harness/needs.js'
import { makeIdentity, makeRevocations } from '../../test/support/certificates.js'
import { EchoServer } from '../../test/support/tls-echo.js'
import { authority, localhost, server } from '../../test/support/tls-pair.js'
import { channelsAlive } from './channel.js'
import type { ServerTlsOptions } from './options.js'
import { END } from './outcomes.js'
import { TicketKeys } from './ticket-keys.js'

const folder = mkdtempSync(join(tmpdir(), 'tcprelay-tls-'))
after(() => rmSync(folder, { recursive: true }))
after(() => assert.equal(channelsAlive(), 0, 'channels are left'))

function file(name: string, content: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const authorityFile = file('authority.pem', authority.pem)

function echoServer(t: TestContext, options: Partial<ServerTlsOptions> = {}): EchoServer {
  const echo = new EchoServer(server(options))
  afterwards(t, () => echo.close())
  return echo
}

/** A run of `openssl s_client`. */
class Client {
  readonly #process: ChildProcessWithoutNullStreams
  text = ''

  constructor(t: TestContext, port: number, options: readonly string[]) {
    const own = [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'localhost',
      '-CAfile',
      authorityFile,
    ]
    this.#process = spawn('openssl', [...own, ...options])
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => {
        this.text += text
      })
    }
    this.#process.stdin.on('error', () => {})
    afterwards(t, async () => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
      const ended = once(this.#process, 'close')
      this.#process.kill('SIGKILL')
      await ended
    })
  }

  /** Waits until the output contains this. */
  async saw(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      assert.equal(this.#process.exitCode, null, this.text)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  writeText(text: string): void {
    this.#process.stdin.write(text)
  }

  /** Closes its input, waits until it has exited, and returns its complete output. */
  async ended(): Promise<string> {
    this.#process.stdin.end()
    if (this.#process.exitCode === null) await once(this.#process, 'close')
    return this.text
  }
}

test('s_client: key updates in both directions amid a transfer', async (t) => {
  if (!needs(t, 'openssl')) return
  const echo = echoServer(t)
  const client = new Client(t, echo.port, ['-tls1_3', '-verify_return_error'])
  await client.saw(/Verify return code: 0 \(ok\)/)
  client.writeText('before\n')
  await client.saw(/^before$/m)
  client.writeText('k\n')
  await client.saw(/KEYUPDATE/)
  client.writeText('between\n')
  await client.saw(/^between$/m)
  client.text = ''
  client.writeText('K\n')
  await client.saw(/KEYUPDATE/)
  client.writeText('after\n')
  await client.saw(/^after$/m)
  client.writeText('Q\n')
  assert.equal((await echo.ending()).outcome, END)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3'

  test(`${version}, s_client: pre-shared keys with and without a certificate`, async (t) => {
    if (!needs(t, 'openssl')) return
    const key = randomBytes(32)
    const psk = new Map([['joe', key]])
    const options = (secret: Buffer) => [flag, '-psk', secret.toString('hex'), '-psk_identity', 'joe']
    for (const more of [{ certificates: [] }, {}]) {
      const echo = echoServer(t, { ...more, psk, versions: [version] })
      const good = new Client(t, echo.port, options(key))
      good.writeText('hello\n')
      await good.saw(/^hello$/m)
      good.writeText('Q\n')
      const { facts } = await echo.ending()
      assert.deepEqual([facts?.pskIdentity, facts?.isResumed, facts?.peer], ['joe', false, undefined])
      const bad = new Client(t, echo.port, options(randomBytes(32)))
      assert.match(await bad.ended(), /alert/)
      assert.notEqual((await echo.ending()).reason, '')
    }
  })

  test(`${version}, s_client: resumes a session in another context`, async (t) => {
    if (!needs(t, 'openssl')) return
    const key = { name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }
    const servers = [0, 1].map(() => {
      const tickets = new TicketKeys()
      tickets.set([key])
      return echoServer(t, { tickets, versions: [version] })
    })
    const path = join(folder, `session-${version}`)
    const [here, there] = servers as [EchoServer, EchoServer]
    const first = new Client(t, here.port, [flag, '-sess_out', path])
    first.writeText('hello\n')
    await first.saw(/^hello$/m)
    first.writeText('Q\n')
    assert.equal((await here.ending()).facts?.isResumed, false)
    await first.ended()
    const second = new Client(t, there.port, [flag, '-sess_in', path])
    second.writeText('hello\n')
    await second.saw(/^hello$/m)
    second.writeText('Q\n')
    assert.match(await second.ended(), /^Reused, /m)
    assert.equal((await there.ending()).facts?.isResumed, true)
  })

  test(`${version}, s_client: client certificates`, async (t) => {
    if (!needs(t, 'openssl')) return
    const [joe, jim] = ['joe', 'jim'].map((name) => makeIdentity({ name, issuer: authority }))
    assert.ok(joe && jim)
    const revocations = makeRevocations(authority, [jim])
    const clientCertificates = { verify: 'require', authorities: authority.pem, revocations } as const
    const echo = echoServer(t, { clientCertificates, versions: [version] })
    for (const [who, reason] of [
      [joe, ''],
      [jim, 'certificate verify failed (certificate revoked)'],
    ] as const) {
      const path = file(`${who.name}.pem`, Buffer.concat([who.pem, who.keyPem]))
      const client = new Client(t, echo.port, [flag, '-cert', path])
      client.writeText('hello\n')
      if (reason === '') {
        await client.saw(/^hello$/m)
        client.writeText('Q\n')
      }
      const ending = await echo.ending()
      assert.equal(ending.reason, reason)
      if (reason === '') assert.equal(ending.facts?.peer?.subject, `CN=${who.name}`)
      assert.match(await client.ended(), reason === '' ? /CN\s?=\s?authority/ : /alert|error/)
    }
  })

  test(`${version}, s_client: ALPN, SNI, OCSP`, async (t) => {
    if (!needs(t, 'openssl')) return
    // The shortest possible response: tryLater.
    const staple = Uint8Array.of(0x30, 3, 0x0a, 1, 3)
    const echo = echoServer(t, {
      certificates: [{ chain: localhost.pem, key: localhost.keyPem, staple }],
      alpn: ['h2', 'http/1.1'],
      versions: [version],
    })
    const client = new Client(t, echo.port, [flag, '-alpn', 'http/1.1,h2', '-status'])
    client.writeText('Q\n')
    const output = await client.ended()
    assert.match(output, /ALPN protocol: h2/)
    assert.match(output, /OCSP Response Status: trylater/)
    const { facts } = await echo.ending()
    assert.deepEqual([facts?.alpn, facts?.serverName, facts?.version], ['h2', 'localhost', version])
  })
}
