import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { type Relay, type RelayPlan, relayTo } from '../harness/relay.js'
import { IN_FORCE } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith, identityFiles, type TlsClient } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'
import { makeIdentity, makeRevocations } from '../support/certificates.js'

/** What a running relay with TLS reads again, and what it writes. */

const LISTENER = 'address = 127.0.0.1 port = 0 tls = yes'
const isRoot = process.getuid?.() === 0

interface Service {
  readonly certFile: string
  readonly keyFile: string
  readonly plan: RelayPlan
}

async function service(t: TestContext, ...lines: readonly string[]): Promise<Service> {
  const { certFile, keyFile } = identityFiles(t, makeIdentity({ name: 'first' }))
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
    .with(`tls cert-file = ${certFile}`, `tls key-file = ${keyFile}`, ...lines)
    .listeningOn(LISTENER)
  return { certFile, keyFile, plan }
}

async function started(t: TestContext, plan: RelayPlan, isSingle: boolean): Promise<Relay | Master> {
  if (isSingle) return plan.start(t)
  return startMaster(t, plan.withMaster(spawning([2, 2], [1, 100])), { children: 2 })
}

function replace({ certFile, keyFile }: Service, name: string): void {
  const identity = makeIdentity({ name })
  writeFileSync(certFile, identity.pem)
  writeFileSync(keyFile, identity.keyPem)
}

const shownTo = ({ socket }: TlsClient) => String(socket.getPeerCertificate().subject.CN)

for (const isSingle of variants([false], [true])) {
  const where = isSingle ? 'a single process' : 'children'

  test(`${where}: a new certificate is used for new handshakes, a broken one is logged and not used`, async (t) => {
    const files = await service(t)
    const relay = await started(t, files.plan, isSingle)
    const old = await connectTls(t, relay.port())
    assert.equal(await old.exchange('before'), 'before')
    writeFileSync(files.certFile, 'rubbish')
    relay.signal('SIGHUP')
    await relay.logged(/the old one goes on/)
    const afterRubbish = await connectTls(t, relay.port())
    assert.equal(shownTo(afterRubbish), 'first')
    replace(files, 'second')
    relay.signal('SIGHUP')
    await relay.logged(IN_FORCE)
    const clients = []
    for (let i = 0; i < 4; i++) clients.push(await connectTls(t, relay.port()))
    assert.deepEqual(clients.map(shownTo), ['second', 'second', 'second', 'second'])
    for (const client of [old, afterRubbish, ...clients]) {
      assert.equal(await client.exchange('goes on'), 'goes on')
      await client.close()
    }
  })

  test(`${where}: sessions are resumed after a reload, unless the verification of clients has changed`, async (t) => {
    const authority = makeIdentity({ name: 'authority', isAuthority: true })
    const [joe, jim] = ['joe', 'jim'].map((name) => makeIdentity({ name, issuer: authority }))
    assert.ok(joe && jim)
    const revocations = fileWith(t, makeRevocations(authority, []))
    const { plan } = await service(
      t,
      `tls client-ca-file = ${fileWith(t, authority.pem)} tls crl-file = ${revocations}`,
    )
    const relay = await started(t, plan, isSingle)
    const options = { cert: joe.pem, key: joe.keyPem, maxVersion: 'TLSv1.2' } as const
    const come = async (session?: Buffer) => {
      const client = await connectTls(t, relay.port(), { ...options, session })
      assert.equal(await client.exchange('hello'), 'hello')
      const isResumed = client.socket.isSessionReused()
      await client.close()
      return { session: client.session ?? session, isResumed }
    }
    const first = await come()
    assert.ok(first.session)
    const text = isSingle ? plan.text : readFileSync(relay.file, 'utf8')
    for (const [nth, revoked, isResumed] of [
      [1, undefined, true],
      [2, jim, false],
    ] as const) {
      if (revoked !== undefined) writeFileSync(revocations, makeRevocations(authority, [revoked]))
      writeFileSync(relay.file, text)
      relay.signal('SIGHUP')
      await relay.logged(IN_FORCE, nth)
      assert.equal((await come(first.session)).isResumed, isResumed)
    }
  })

  test(`${where}: the key log is readable by its owner only, and has what a debugger needs`, async (t) => {
    const file = join(temporaryFolder(t), 'keys.log')
    const { plan } = await service(t, `tls keylog file = ${file}`)
    const more = isRoot && !isSingle ? ['userid = nobody'] : []
    const relay = isSingle
      ? await plan.start(t)
      : await startMaster(t, plan.withMaster(spawning([1, 1], [5, 5], ...more)))
    await relay.logged(/warning: .*TLS secrets are written to this file/)
    const client = await connectTls(t, relay.port())
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
    const lines = await until('keys', () => {
      const all = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
      return all.length >= 5 && all
    })
    for (const label of ['CLIENT_TRAFFIC_SECRET_0', 'SERVER_TRAFFIC_SECRET_0', 'EXPORTER_SECRET']) {
      assert.ok(
        lines.some((line) => new RegExp(`^${label} [0-9a-f]{64} [0-9a-f]+$`).test(line)),
        label,
      )
    }
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })
}

test('an unwritable key log causes one log line a second, not one for each secret', async (t) => {
  const folder = join(temporaryFolder(t), 'gone')
  mkdirSync(folder)
  const { plan } = await service(t, `tls keylog file = ${join(folder, 'keys.log')}`)
  const relay = await plan.start(t)
  rmSync(folder, { recursive: true })
  const client = await connectTls(t, relay.port())
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
  await relay.logged(/cannot write the TLS key log: ENOENT/)
  await relay.isIdle()
  // A handshake of TLS 1.3 has five secrets.
  assert.ok(relay.program.stderr.matching(/cannot write the TLS key log/).length < 5)
})
