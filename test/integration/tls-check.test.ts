import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { tcprelay } from '../harness/program.js'
import { makeIdentity } from '../support/certificates.js'

const CONFIG = 78

/** The sample of the documentation, with a certificate of the test and further lines. */
function sample(t: TestContext, certificate: Uint8Array, more = ''): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'sample.pem'), certificate)
  const file = join(folder, 'relay.cfg')
  const text = `id = spawnd { listen = { port = 2222 } listen = { port = 2225 tls = yes } spawn { users max = 4000 } }
id = tcprelay {
  remote = { address = 169.254.1.2 port = 22 }
  ssl cert = ${folder}/sample.pem
  ssl passphrase = 12345
  ${more}
}
`
  writeFileSync(file, text)
  return file
}

const identity = makeIdentity({ name: 'sample', alternativeNames: ['sample.example'] })

function keyWith(passphrase: string): Buffer {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return Buffer.from(identity.key.export(options))
}

test('-P reads certificates and is silent about a correct one', async (t) => {
  const { code, stderr } = await tcprelay(t, [
    '-P',
    sample(t, Buffer.concat([identity.pem, keyWith('12345')])),
  ])
  assert.doesNotMatch(stderr, /error|certificate|passphrase with/)
  assert.equal(code, 0)
})

test("-P shows OpenSSL's reason at the directive of a wrong certificate", async (t) => {
  const file = sample(t, Buffer.concat([identity.pem, keyWith('54321')]))
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, CONFIG)
  assert.match(
    stderr,
    /relay\.cfg:5:20: the key cannot be decrypted with this passphrase: .+\n {4}ssl passphrase = 12345\n/,
  )
})

test('-P only warns of an expired certificate', async (t) => {
  const old = makeIdentity({ name: 'old', alternativeNames: ['old.example'], fromDays: -9, toDays: -1 })
  const { code, stderr } = await tcprelay(t, ['-P', sample(t, Buffer.concat([old.pem, old.keyPem]))])
  assert.equal(code, 0)
  assert.match(stderr, /relay\.cfg:4:14: warning: '.*sample\.pem': the certificate has expired: /)
})

test('-P reads keys for remotes and names the wrong one', async (t) => {
  const whole = Buffer.concat([identity.pem, keyWith('12345')])
  const keys = join(temporaryFolder(t), 'keys')
  writeFileSync(keys, `joe:${'ab'.repeat(16)}\njim:${'cd'.repeat(16)}\n`)
  const remote = `remote = { address = 127.0.0.1 port = 443 tls = yes psk file = ${keys}`
  const right = await tcprelay(t, ['-P', sample(t, whole, `${remote} psk identity = jim }`)])
  assert.deepEqual([right.code, right.stderr], [0, ''])
  const wrong = await tcprelay(t, ['-P', sample(t, whole, `${remote} psk identity = jack }`)])
  assert.equal(wrong.code, CONFIG)
  assert.match(wrong.stderr, /relay\.cfg:6:\d+: no key for identity 'jack' in '.*keys'/)
  assert.doesNotMatch(wrong.stderr, /abab|cdcd/, 'keys are not shown')
})

test('-P checks that remotes can be verified', async (t) => {
  const file = sample(
    t,
    Buffer.concat([identity.pem, keyWith('12345')]),
    'remote = { address = 127.0.0.1 port = 443 tls = yes ca-file = /dev/null }',
  )
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, CONFIG)
  assert.match(stderr, /relay\.cfg:6:65: cannot read '\/dev\/null': it is not a regular file\n/)
})

test('-P reports kTLS as unsupported and warns of a key log', async (t) => {
  const whole = Buffer.concat([identity.pem, keyWith('12345')])
  const { code, stderr } = await tcprelay(t, ['-P', sample(t, whole, 'tls kernel = yes')])
  assert.equal(code, CONFIG)
  assert.match(stderr, /relay\.cfg:6:16: kTLS is not available: the OpenSSL of Node is built without it/)
  const file = join(temporaryFolder(t), 'keys.log')
  const checked = await tcprelay(t, ['-P', sample(t, whole, `tls kernel = auto tls keylog file = ${file}`)])
  assert.equal(checked.code, 0)
  assert.match(checked.stderr, /relay\.cfg:6:\d+: warning: TLS secrets are written to this file/)
})
