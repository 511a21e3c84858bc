import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { LANDED } from '../../src/config/landed.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { startTcprelay } from '../harness/program.js'
import { makeIdentity } from '../support/certificates.js'

/** Two looks, three seconds apart, and the reading on a busy machine. */
const NOTICED_MAX_MS = 30_000

const skip = LANDED.has('TLS') ? false : 'this version does not start with TLS'

test('a changed certificate is used, a wrong one is not, and children need not read it', {
  skip,
}, async (t) => {
  const folder = temporaryFolder(t)
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const [first, second] = [makeIdentity({ name: 'first' }), makeIdentity({ name: 'second' })]
  const isRoot = process.getuid?.() === 0
  const text = `id = spawnd { listen { 127.0.0.1 port = 0 tls = yes } spawn { ${isRoot ? 'userid = nobody' : ''} } }
id = tcprelay {
  remote { 127.0.0.1:9 }
  tls cert-file = ${certificate} tls key-file = ${key} tls watch = yes
}
`
  writeFileSync(certificate, first.pem)
  writeFileSync(key, first.keyPem, { mode: 0o600 })
  writeFileSync(join(folder, 'relay.cfg'), text)
  const program = startTcprelay(t, ['-D', join(folder, 'relay.cfg')])
  await program.stderr.reached(/ serving /)
  writeFileSync(certificate, second.pem)
  await program.stderr.reached(/a file of TLS has changed: reloading/, 1, NOTICED_MAX_MS)
  await program.stderr.reached(/relay\.cfg:4:\d+: '.*key\.pem': the key does not match the certificate/, 1)
  await program.stderr.reached(/the old one goes on/, 1)
  writeFileSync(key, second.keyPem)
  await program.stderr.reached(/the new configuration is in force/, 1, NOTICED_MAX_MS)
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
})
