import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { startTcprelay, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** sysexits(3), as the original uses them. */
const USAGE = 64
const NO_INPUT = 66
const NO_LISTENERS = 71
const TEMPORARY = 75
const CONFIG = 78

const SOMEWHERE = { directive: 'address = 127.0.0.1 port = 9' }

const LISTEN = 'listen = { address = 127.0.0.1 port = 0 }'
const REMOTE = 'remote = { address = 127.0.0.1 port = 9 }'

function fileWith(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, text)
  return file
}

for (const option of ['-v', '--version']) {
  test(`${option} prints the version to stderr`, async (t) => {
    const { code, stderr, stdout } = await tcprelay(t, [option])
    assert.equal(code, 0)
    assert.match(stderr, /^tcprelay version \d+\.\d+\.\d+\/EPOLL/)
    assert.equal(stdout, '')
  })
}

for (const option of ['-h', '--help']) {
  test(`${option} prints the usage`, async (t) => {
    const { code, stdout } = await tcprelay(t, [option])
    assert.equal(code, 0)
    assert.match(stdout, /^Usage: tcprelay \[ <Options> \] <configuration file> \[ <id> \]/)
    for (const letter of 'P1bfiIptdDvh') assert.match(stdout, new RegExp(`^ {2}-${letter} `, 'm'))
  })
}

const WRONG_WORDS = [
  [],
  ['-x', 'file'],
  ['-d', 'much', 'file'],
  ['-p'],
  ['a', 'b', 'c'],
  ['-t', '-1', 'file'],
]

for (const words of WRONG_WORDS) {
  test(`tcprelay ${words.join(' ')} is a usage error`, async (t) => {
    const { code, stderr } = await tcprelay(t, words)
    assert.equal(code, USAGE)
    assert.match(stderr, /^tcprelay: .*\nUsage: tcprelay/)
  })
}

const WRONG_FILES = [
  { what: 'no remotes', text: `id = spawnd { ${LISTEN} } id = tcprelay { retire = 1 }`, code: USAGE },
  { what: 'no listeners', text: `id = spawnd { } id = tcprelay { ${REMOTE} }`, code: NO_LISTENERS },
  { what: 'a mistake', text: `id = spawnd { ${LISTEN} } id = tcprelay { remoat = x }`, code: CONFIG },
]

for (const { what, text, code } of WRONG_FILES) {
  for (const options of [[], ['-P']]) {
    test(`a configuration with ${what} exits with ${code} ${options.join()}`, async (t) => {
      const run = await tcprelay(t, [...options, fileWith(t, text)])
      assert.equal(run.code, code)
      assert.match(run.stderr, /relay\.cfg:1:\d+: /)
    })
  }
}

test('a missing file exits with 66', async (t) => {
  const run = await tcprelay(t, [join(temporaryFolder(t), 'nothing.cfg')])
  assert.equal(run.code, NO_INPUT)
})

test('an address that cannot be bound exits with 75', async (t) => {
  const owner = await remoteThat(echoes).start(t)
  const file = relayTo(SOMEWHERE).listeningOn(`address = 127.0.0.1 port = ${owner.port}`).file(t)
  const run = await tcprelay(t, ['-D', file])
  assert.equal(run.code, TEMPORARY)
  assert.match(run.stderr, /bind to 127\.0\.0\.1:\d+ failed: address already in use/)
  assert.match(run.stderr, /Failed to bind to any address or port\. Exiting\./)
})

test('one bindable address of two is enough to start', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn(`address = 127.0.0.1 port = ${remote.port}`, 'address = 127.0.0.1 port = 0')
    .start(t)
  assert.equal(await (await relay.connect()).exchange('hello'), 'hello')
})

test('-P is silent about a correct configuration and binds nothing', async (t) => {
  const owner = await remoteThat(echoes).start(t)
  const file = relayTo(SOMEWHERE).listeningOn(`address = 127.0.0.1 port = ${owner.port}`).file(t)
  const run = await tcprelay(t, ['-P', file])
  assert.deepEqual(run, { code: 0, signal: null, stdout: '', stderr: '' })
})

test('a configuration may be a page of a web server', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const url = await pageWith(t, 200, relayTo(remote).text)
  const program = startTcprelay(t, ['-D', url])
  await program.stderr.reached(/bind to .* succeeded/)
  assert.equal((await tcprelay(t, ['-P', url])).code, 0)
})

test('a page that the web server does not have is reported', async (t) => {
  const run = await tcprelay(t, ['-D', await pageWith(t, 404, 'no such page')])
  assert.equal(run.code, NO_INPUT)
  assert.match(run.stderr, /HTTP status 404/)
})

test('an unreachable web server is reported', async (t) => {
  const run = await tcprelay(t, ['-D', `http://127.0.0.1:${await freePort()}/relay.cfg`])
  assert.equal(run.code, NO_INPUT)
  assert.match(run.stderr, /ECONNREFUSED/)
})

test('-i, -I and the last argument select the sections', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const text = [
    `id = one { ${LISTEN} single process = yes }`,
    `id = two { remote = { ${remote.directive} } access log = stderr }`,
  ].join('\n')
  for (const words of [
    ['-I', 'one', '-i', 'two', fileWith(t, text)],
    ['-i', 'two', fileWith(t, text), 'one'],
  ]) {
    const program = startTcprelay(t, ['-D', ...words])
    await program.stderr.reached(/bind to .* succeeded/)
  }
})

/** The URL of a page on a web server of this test. */
async function pageWith(t: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(t, async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/relay.cfg`
}
