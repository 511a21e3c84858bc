import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { afterwards } from '../harness/clean-up.js'
import { masterText, spawning } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { childrenOf } from '../harness/proc.js'
import { Program, startTcprelay, tcprelay } from '../harness/program.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { fileWith, identityFiles, servedWith } from '../harness/tls.js'
import { until, within } from '../harness/until.js'
import { ACCEPT_WAYS } from '../harness/variants.js'
import { type Identity, makeIdentity } from '../support/certificates.js'
import { makeResponse, Responder } from '../support/ocsp.js'

/** A certificate that names a responder of the test, which says that it is good. */
interface Scene {
  readonly responder: Responder
  readonly issuer: Identity
  readonly leaf: Identity
  /** What the responder answers. */
  readonly good: Buffer
  readonly plan: RelayPlan
}

async function scene(t: TestContext): Promise<Scene> {
  const responder = await new Responder().start(t)
  const issuer = makeIdentity({ name: 'issuer', isAuthority: true })
  const names = { name: 'localhost', alternativeNames: ['localhost'] }
  const leaf = makeIdentity({ ...names, issuer, responders: [responder.url] })
  const files = identityFiles(t, { ...leaf, pem: Buffer.concat([leaf.pem, issuer.pem]) })
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).with(servedWith(files)).listeningOn('address = 127.0.0.1 port = 0 tls = yes')
  const good = makeResponse({ about: leaf, issuer })
  responder.answer = () => good
  return { responder, issuer, leaf, good, plan }
}

interface Serving {
  readonly program: Program
  readonly port: number
}

/** Not the harness's relay: what that remembers of an idle one may include a request to the responder. */
async function start(t: TestContext, file: string): Promise<Serving> {
  const program = startTcprelay(t, ['-D', file])
  const [, port] = await program.stderr.reached(/bind to .*:(\d+) succeeded/)
  await program.stderr.reached(/startup \(version/)
  return { program, port: Number(port) }
}

const startSingle = (t: TestContext, plan: RelayPlan) => start(t, plan.file(t))
const startWithChildren = (t: TestContext, plan: RelayPlan) => start(t, fileWith(t, masterText(plan)))

async function end({ program }: Serving): Promise<void> {
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
}

/** A client that asks for an OCSP response, and what it gets. */
async function visit(
  t: TestContext,
  { port }: Serving,
): Promise<{ socket: TLSSocket; staple: Buffer | null }> {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, requestOCSP: true }
  const socket = connect(options)
  socket.on('error', () => {})
  afterwards(t, () => void socket.destroy())
  const staple = new Promise<Buffer | null>((resolve) => {
    socket.once('OCSPResponse', resolve)
    socket.once('close', () => resolve(null))
  })
  await within('a TLS handshake', new Promise((resolve) => socket.once('secureConnect', resolve)))
  return { socket, staple: await within('an OCSP response', staple) }
}

async function stapled(t: TestContext, serving: Serving): Promise<Buffer | null> {
  const { socket, staple } = await visit(t, serving)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.destroy()
  await closed
  return staple
}

/** The output of `openssl s_client -status`. */
async function seenByOpenssl(t: TestContext, { port }: Serving): Promise<string> {
  const client = new Program(t, ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-status'])
  await client.ended()
  return client.stdout.text
}

const FETCHED =
  /the OCSP response for 'CN=localhost' \(serial [0-9A-F]+\) was fetched from http:\/\/127\.0\.0\.1:/

test('a single process fetches and staples the response, and a reload keeps it', async (t) => {
  if (!needs(t, 'openssl')) return
  const { good, plan, responder } = await scene(t)
  const serving = await startSingle(t, plan)
  await serving.program.stderr.reached(FETCHED)
  const seen = await until('a response', async () => {
    const text = await seenByOpenssl(t, serving)
    return text.includes('OCSP Response Status: successful') && text
  })
  assert.match(seen, /Cert Status: good/)
  assert.deepEqual(await stapled(t, serving), good)
  await responder.stop()
  serving.program.signal('SIGHUP')
  await serving.program.stderr.reached(/the new configuration is in force/)
  assert.deepEqual(await stapled(t, serving), good)
  assert.equal(responder.requests.length, 1)
  await end(serving)
})

for (const accept of ACCEPT_WAYS) {
  test(`both children staple the response, also one that starts later: ${accept}`, async (t) => {
    if (!needs(t, 'openssl')) return
    const { good, plan, responder } = await scene(t)
    const serving = await startWithChildren(
      t,
      plan.withMaster(spawning([1, 2], [1, 1], `accept = ${accept}`)),
    )
    await serving.program.stderr.reached(FETCHED)
    const first = await until('a response', async () => {
      const visitor = await visit(t, serving)
      if (visitor.staple !== null) return visitor
      visitor.socket.destroy()
      return undefined
    })
    assert.deepEqual(first.staple, good)
    const second = await visit(t, serving)
    assert.deepEqual(second.staple, good)
    assert.equal(childrenOf(serving.program.pid).length, 2)
    await responder.stop()
    serving.program.signal('SIGHUP')
    await serving.program.stderr.reached(/the new configuration is in force/)
    assert.match(await seenByOpenssl(t, serving), /Cert Status: good/)
    assert.equal(responder.requests.length, 1)
    for (const { socket } of [first, second]) socket.destroy()
    await end(serving)
  })
}

test('a responder that is down delays nothing and is retried', async (t) => {
  const { good, plan, responder } = await scene(t)
  await responder.stop()
  const serving = await startWithChildren(t, plan.withMaster(spawning([2, 2], [1, 100])))
  assert.equal(await stapled(t, serving), null)
  await serving.program.stderr.reached(
    /the OCSP response for .* cannot be fetched from http:.*: connect ECONNREFUSED .*; stapling nothing/,
  )
  await responder.resume()
  await serving.program.stderr.reached(/was fetched again from/, 1, 20_000)
  await until('a response', async () => good.equals((await stapled(t, serving)) ?? Buffer.alloc(0)))
  assert.equal(serving.program.stderr.matching(/cannot be fetched/).length, 1)
  await end(serving)
})

test('a response that fails verification is not stapled', async (t) => {
  const { issuer, leaf, plan, responder } = await scene(t)
  const stranger = makeIdentity({ name: 'issuer', isAuthority: true })
  const about = { about: leaf, issuer }
  for (const [answer, reason] of [
    [Buffer.from('garbage'), /cannot be fetched from .*: not an OCSP response: .*; stapling nothing/],
    [makeResponse({ ...about, toS: -1 }), /cannot be fetched from .*: it expired \d+ s ago; stapling/],
    [
      makeResponse({ ...about, signer: stranger }),
      /cannot be fetched from .*: invalid signature: .*; stapling/,
    ],
    [
      makeResponse({ ...about, status: 'revoked' }),
      /for 'CN=localhost' .* says that the certificate is REVOKED/,
    ],
  ] as const) {
    responder.answer = () => answer
    const serving = await startSingle(t, plan)
    await serving.program.stderr.reached(reason)
    assert.equal(await stapled(t, serving), null)
    await end(serving)
  }
})

test('nothing is fetched by -P, for a certificate with a file, or with `tls ocsp = no`', async (t) => {
  const { plan, responder } = await scene(t)
  const other = makeResponse({ about: makeIdentity({ name: 'x' }), issuer: makeIdentity({ name: 'y' }) })
  const { code, stderr } = await tcprelay(t, ['-P', plan.with('tls ocsp = yes').file(t)])
  assert.equal(code, 0, stderr)
  const withFile = await startSingle(t, plan.with(`tls ocsp-file = ${fileWith(t, other)}`))
  assert.deepEqual(await stapled(t, withFile), other)
  await end(withFile)
  const without = await startSingle(t, plan.with('tls ocsp = no'))
  assert.equal(await stapled(t, without), null)
  await end(without)
  assert.deepEqual(responder.requests, [])
})

test('`tls ocsp = yes` warns of certificates without a responder', async (t) => {
  const { leaf, plan } = await scene(t)
  const file = plan.with('tls ocsp = yes').file(t)
  assert.doesNotMatch((await tcprelay(t, ['-P', file])).stderr, /OCSP/)
  const lonely = fileWith(t, leaf.pem)
  const block = `tls certificate { cert-file = ${lonely} key-file = ${fileWith(t, leaf.keyPem)} ocsp = yes }`
  writeFileSync(file, plan.with(block).text)
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, 0)
  assert.match(stderr, /: the file lacks the issuer's certificate, which an OCSP request needs/)
  writeFileSync(file, plan.with(block.replace('ocsp = yes', '')).text)
  assert.doesNotMatch((await tcprelay(t, ['-P', file])).stderr, /OCSP/)
})
