import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

const CLIENTS = 200

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean)

/** Runs `simulate`, and returns its report. */
async function simulate(t: TestContext, words: readonly string[]) {
  const { code, stderr, stdout } = await tcprelay(t, ['simulate', ...words, '--json'])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

for (const policy of ['source', 'maglev']) {
  test(`${policy}: a simulation chooses the same remotes as the relay that wrote the log`, async (t) => {
    const log = join(temporaryFolder(t), 'access.log')
    const remotes = await Promise.all(['a', 'b', 'c'].map((name) => remoteThat(says(name)).start(t)))
    const [first, second, third] = remotes
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const relay = await relayTo(first, second.with('weight = 2'), third)
      .with(`access log = ${log}`, `balance = ${policy}`)
      .start(t)
    for (let i = 0; i < CLIENTS; i += 20) {
      const addresses = Array.from({ length: 20 }, (_, k) => `127.0.${i % 7}.${i + k + 1}`)
      await Promise.all(
        addresses.map(async (localAddress) => {
          const client = await relay.connect({ localAddress })
          await client.readToEnd()
          await client.close()
        }),
      )
    }
    await until('all lines', () => linesOf(log).length === CLIENTS)
    const { pools, trace } = await simulate(t, [relay.file, '--trace', log])
    assert.deepEqual([trace.connections, trace.clients, trace.leftOut], [CLIENTS, CLIENTS, {}])
    const [pool] = pools
    assert.equal(pool.different, 0)
    assert.ok(pool.remotes.length === 3)
    for (const { logged, simulated } of pool.remotes) {
      assert.ok(logged.connections > 0)
      assert.equal(simulated.connections, logged.connections)
    }
    const other = await simulate(t, [relay.file, '--trace', log, '--policy', 'first'])
    assert.ok(other.pools[0].different > 0)
  })
}

const CONFIGURATION = relayTo(
  { directive: 'name = a address = 192.0.2.1 port = 9' },
  { directive: 'name = b address = 192.0.2.2 port = 9' },
)

const LIMITED = CONFIGURATION.with('max connections = 60', 'queue = { size = 20 timeout = 9s }')

for (const [name, configuration] of [
  ['', CONFIGURATION],
  [', with clients that waited and were refused', LIMITED],
] as const) {
  test(`a generated trace is simulated as the log that it is saved as${name}`, async (t) => {
    const file = configuration.file(t)
    const log = join(temporaryFolder(t), 'generated.log')
    const words = [file, '--policy', 'source', '--seed', '5']
    // Hardly two clients come in the same millisecond: the log does not have their order.
    const generation = ['--generate', '500', '--rate', '5', '--length', '10']
    const generated = await simulate(t, [...words, ...generation, '--write-trace', log])
    const [pool] = (await simulate(t, [...words, '--trace', log])).pools
    assert.equal(pool.different, 0)
    assert.deepEqual(pool.logged, generated.pools[0].simulated)
    assert.deepEqual(pool.simulated, generated.pools[0].simulated)
    assert.equal(linesOf(log).length, 500)
    const { full, timeouts, waited } = pool.logged.queue
    const isLimited = configuration === LIMITED
    assert.deepEqual([full > 0, timeouts > 0, waited > timeouts], [isLimited, isLimited, isLimited])
  })
}

test('simulate reads standard input, prints tables, and says what it could not read', async (t) => {
  const file = CONFIGURATION.file(t)
  const log = join(temporaryFolder(t), 'generated.log')
  await simulate(t, [file, '--generate', '100', '--seed', '5', '--write-trace', log])
  writeFileSync(log, `not a line\n${readFileSync(log, 'utf8')}`)
  const under = ['sh', '-c', `exec "$@" < ${log}`, 'sh']
  const words = ['simulate', file, '--trace', '-', '--down', 'a@0-']
  const { code, stderr, stdout } = await tcprelay(t, words, { under })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^100 connections of \d+ clients, 2026-01-01T/)
  assert.match(stdout, /^1 line is no access line; the first is line 1: it does not begin with a time/m)
  assert.match(stdout, /^ {2}b +1 +50\.0 % +100 +100\.0 %/m)
})

test('simulate ends with the exit codes of docs/operations.md', async (t) => {
  const folder = temporaryFolder(t)
  const file = CONFIGURATION.file(t)
  const empty = join(folder, 'empty.log')
  writeFileSync(empty, '')
  const wrong = relayTo({ directive: 'address = nonsense:x' }).file(t)
  for (const [words, code, message] of [
    [[file], 64, /missing option: '--trace <file>' or '--generate <count>'\nUsage: tcprelay simulate/],
    [[file, '--generate', '5', '--down', 'c@0-'], 64, /there is no remote 'c'/],
    [[file, '--generate', '5', '--pool', 'x', '--policy', 'first'], 64, /there is no pool 'x': default/],
    [[file, '--trace', join(folder, 'none')], 66, /cannot read '.*none': no such file or directory/],
    [[file, '--trace', empty], 66, /no connections in '.*empty\.log': it is empty/],
    [[file, '--trace', file], 66, /no connections in .*: \d+ lines are no access lines; the first is line 1/],
    [[file, '--generate', '5', '--write-trace', folder], 73, /cannot write /],
    [[wrong, '--generate', '5'], 78, /relay\.cfg:\d+:\d+/],
  ] as const) {
    const run = await tcprelay(t, ['simulate', ...words])
    assert.equal(run.code, code, run.stderr)
    assert.match(run.stderr, message)
  }
})
