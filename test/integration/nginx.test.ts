import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { needs } from '../harness/needs.js'
import { type Nginx, startNginx } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { type Relay, relayTo } from '../harness/relay.js'

interface Site {
  readonly nginx: Nginx
  readonly relay: Relay
  readonly url: string
}

test('curl gets many pages from nginx over one connection', async (t) => {
  const site = await siteBehindRelay(t)
  if (!site) return
  const pages = Array.from({ length: 200 }, (_, i) => `${site.url}/page.txt?${i}`)
  const { stdout } = await curl(t, '--silent', '--fail', '--write-out', ' %{num_connects};', ...pages)
  const answers = stdout.split(';').filter(Boolean)
  assert.equal(answers.length, 200)
  assert.ok(answers.every((answer) => answer.startsWith('a page')))
  assert.equal(answers.filter((answer) => answer.endsWith(' 1')).length, 1)
})

test('curl gets pages from nginx over many connections at once', async (t) => {
  const site = await siteBehindRelay(t)
  if (!site) return
  const pages = Array.from({ length: 100 }, (_, i) => `${site.url}/page.txt?${i}`)
  const words = ['--silent', '--fail', '--parallel', '--parallel-max', '20', '--header', 'Connection: close']
  const { stdout } = await curl(t, ...words, ...pages)
  assert.equal(stdout, 'a page'.repeat(100))
})

test('a large file from nginx arrives unchanged', async (t) => {
  const site = await siteBehindRelay(t)
  if (!site) return
  const bytes = randomBytes(20_000_000)
  writeFileSync(join(site.nginx.pages, 'big.bin'), bytes)
  const copy = join(site.nginx.folder, 'copy.bin')
  await curl(t, '--silent', '--fail', '--output', copy, `${site.url}/big.bin`)
  assert.equal(await sha256Of(t, copy), createHash('sha256').update(bytes).digest('hex'))
})

test('a file of some MB that curl posts arrives at nginx unchanged', async (t) => {
  const site = await siteBehindRelay(t)
  if (!site) return
  const bytes = randomBytes(8_000_000)
  const original = join(site.nginx.folder, 'original.bin')
  writeFileSync(original, bytes)
  const { stdout } = await curl(t, '--silent', '--fail', '--data-binary', `@${original}`, `${site.url}/keep`)
  assert.equal(await sha256Of(t, stdout.trim()), createHash('sha256').update(bytes).digest('hex'))
})

async function siteBehindRelay(t: TestContext): Promise<Site | undefined> {
  if (!needs(t, 'nginx', 'curl', 'sha256sum')) return undefined
  const nginx = await startNginx(t)
  const relay = await relayTo(nginx).start(t)
  return { nginx, relay, url: `http://127.0.0.1:${relay.port()}` }
}

async function curl(t: TestContext, ...words: readonly string[]): Promise<{ stdout: string }> {
  const program = new Program(t, ['curl', '--noproxy', '*', ...words])
  const { code } = await program.ended(30_000)
  assert.equal(code, 0, program.stderr.text)
  return { stdout: program.stdout.text }
}

async function sha256Of(t: TestContext, file: string): Promise<string | undefined> {
  const program = new Program(t, ['sha256sum', file])
  await program.ended()
  return program.stdout.text.split(' ')[0]
}
