import assert from 'node:assert/strict'
import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AV } from '../../src/base/mavis-attributes.js'
import { type Code, DOWN, FINAL, IGNORE, TIMEOUT } from '../../src/mavis/module.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { externalThat, LANGUAGES } from '../harness/mavis-helper.js'
import { isAlive } from '../harness/proc.js'
import { until } from '../harness/until.js'

/** Time limit for a hanging helper. */
const SHORT_MS = 300

interface Expectation {
  readonly behaviour: string
  readonly code: Code
  readonly result: string | undefined
  readonly comment?: RegExp
  readonly logged?: RegExp
}

const DEAD = { code: FINAL, result: 'ERR', comment: /^helpers terminated without an answer$/ } as const

const EXPECTATIONS: readonly Expectation[] = [
  { behaviour: 'answers', code: FINAL, result: 'ACK' },
  { behaviour: 'NAK', code: FINAL, result: 'NAK' },
  { behaviour: 'not found', code: FINAL, result: 'NFD' },
  { behaviour: 'down', code: DOWN, result: undefined },
  { behaviour: 'small writes', code: FINAL, result: 'ACK' },
  { behaviour: 'stderr', code: FINAL, result: 'ACK', logged: /^helper: \d+: asked of joe$/ },
  {
    behaviour: 'twice',
    code: FINAL,
    result: 'ACK',
    logged: /^helper: \d+: output without a query. Terminating.$/,
  },
  {
    behaviour: 'dies at once',
    ...DEAD,
    logged: /^helper: \d+: terminated before finishing first request \(exit code \d+\)$/,
  },
  {
    behaviour: 'dies in the middle',
    ...DEAD,
    logged: /^helper: \d+: terminated before finishing first request \(exit code \d+\)$/,
  },
  { behaviour: 'closes stdout', ...DEAD, logged: /^helper: \d+: terminated before finishing first request$/ },
  {
    behaviour: 'wrong serial',
    ...DEAD,
    logged: /^helper: \d+: out of sync: got somebody else's, expected serial-1=. Terminating.$/,
  },
  { behaviour: 'missing serial', ...DEAD, logged: /^helper: \d+: missing serial. Terminating.$/ },
  {
    behaviour: 'garbage',
    code: FINAL,
    result: 'ERR',
    comment: /^a helper failed: malformed answer$/,
    logged: /^helper: \d+: malformed answer: '.+'. Terminating.$/,
  },
]

for (const language of LANGUAGES)
  for (const { behaviour, code, comment, logged, result } of EXPECTATIONS) {
    test(`helper in ${language}: ${behaviour}`, async (t) => {
      const asked = externalThat(t, [behaviour], {}, language)
      if (asked === undefined) return
      const answer = await asked.ask()
      assert.equal(answer.code, code)
      assert.equal(answer.values[AV.RESULT], result)
      assert.match(answer.values[AV.COMMENT] ?? '', comment ?? /^$/)
      assert.equal(answer.values[AV.USER], 'joe')
      const isVerdict = result === 'ACK' || result === 'NAK'
      assert.equal(answer.values[AV.IDENTITY_SOURCE], isVerdict ? 'first' : undefined)
      assert.equal(answer.values[AV.USER_RESPONSE], result === 'NAK' ? 'go\naway' : undefined)
      if (logged !== undefined) await asked.logged(logged)
      else assert.deepEqual(asked.log, [])
    })
  }

for (const language of LANGUAGES)
  test(`replaces a hanging helper in ${language}`, async (t) => {
    const asked = externalThat(t, ['hangs'], { timeoutMs: SHORT_MS }, language)
    if (asked === undefined) return
    const [hanging] = asked.module.pids as [number]
    const { code, values } = await asked.ask()
    assert.equal(code, TIMEOUT)
    assert.equal(values[AV.RESULT], 'ERR')
    await asked.logged(new RegExp(`^helper: ${hanging}: no answer within 0.3 s. Terminating.$`))
    await until('the helper to end', () => !isAlive(hanging))
    assert.ok(asked.module.pids.length === 1 && !asked.module.pids.includes(hanging))
  })

test('asks the same process one query after another', async (t) => {
  const asked = externalThat(t, ['answers'])
  if (asked === undefined) return
  const pids = asked.module.pids
  for (let i = 0; i < 20; i++) assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
  assert.deepEqual(asked.module.pids, pids)
})

test('sends line feeds in values as carriage returns', async (t) => {
  const asked = externalThat(t, ['answers'])
  if (asked === undefined) return
  const query = asked.query('two\nlines \xe9\xff')
  assert.equal((await asked.ask(query)).values[AV.USER], 'two\nlines \xe9\xff')
})

for (const behaviour of ['dies in the middle once', 'wrong serial once']) {
  test(`asks another helper again: ${behaviour}`, async (t) => {
    const folder = temporaryFolder(t)
    const asked = externalThat(t, [behaviour, join(folder, 'was')])
    if (asked === undefined) return
    const [first] = asked.module.pids as [number]
    const { code, values } = await asked.ask()
    assert.equal(code, FINAL)
    assert.equal(values[AV.RESULT], 'ACK')
    assert.ok(!asked.module.pids.includes(first))
  })
}

test('restarts a helper that ends after each answer', async (t) => {
  const asked = externalThat(t, ['answers once'], {}, 'sh')
  if (asked === undefined) return
  for (let i = 0; i < 40; i++) assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
  await asked.logged(/^helper: \d+: terminated after processing 1 requests \(exit code 0\)$/)
})

test('ends a helper whose answer is too long', async (t) => {
  const asked = externalThat(t, ['too long'])
  if (asked === undefined) return
  const { code, values } = await asked.ask()
  assert.equal(code, FINAL)
  assert.equal(values[AV.RESULT], 'ERR')
  await asked.logged(/answer too long. Terminating.$/)
})

test('ignores an answer with an unknown code', async (t) => {
  const asked = externalThat(t, ['odd code'])
  if (asked === undefined) return
  assert.equal((await asked.ask()).code, IGNORE)
})

test('answers ERR to a query that is too long', async (t) => {
  const asked = externalThat(t, ['answers'])
  if (asked === undefined) return
  const { code, values } = await asked.ask(asked.query('x'.repeat(70_000)))
  assert.equal(code, FINAL)
  assert.equal(values[AV.RESULT], 'ERR')
  assert.deepEqual(asked.log, ['external: query too long, ignoring'])
  assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
})

test('ends a helper that writes before it is asked', async (t) => {
  const asked = externalThat(t, ['says hello'])
  if (asked === undefined) return
  await asked.logged(/output without a query|respawning too fast/)
  assert.equal((await asked.ask()).values[AV.RESULT], 'ERR')
})

test('kills a helper that does not read its query', async (t) => {
  const asked = externalThat(t, ['reads nothing'], { childrenMax: 1, timeoutMs: SHORT_MS })
  if (asked === undefined) return
  const long = () => asked.ask(asked.query('x'.repeat(66_000)))
  const answers = await Promise.all([long(), long(), long()])
  assert.deepEqual(
    answers.map(({ code }) => code),
    [TIMEOUT, TIMEOUT, TIMEOUT],
  )
})

test('passes environment, directory and arguments to helpers', async (t) => {
  const home = temporaryFolder(t)
  const environment = new Map([
    ['PATH', process.env.PATH ?? ''],
    ['SECRET', 'a b'],
  ])
  const asked = externalThat(t, ['environment', 'one', 'two words'], { home, environment })
  if (asked === undefined) return
  const { values } = await asked.ask()
  const names = values[AV.COMMENT]?.split('|').map((text) => text.split('=')[0])
  // Python sets LC_CTYPE itself when no locale is set.
  assert.deepEqual(
    names?.filter((name) => name !== 'LC_CTYPE'),
    ['PATH', 'SECRET'],
  )
  assert.equal(values[AV.HOME], realpathSync(home))
  assert.equal(values[AV.ARGS], 'one|two words')
})

test('inherits our environment without configured variables', async (t) => {
  const asked = externalThat(t, ['environment'])
  if (asked === undefined) return
  process.env.TCPRELAY_TEST_INHERITED = 'yes'
  t.after(() => delete process.env.TCPRELAY_TEST_INHERITED)
  asked.module.releaseIdle()
  assert.match((await asked.ask()).values[AV.COMMENT] ?? '', /TCPRELAY_TEST_INHERITED=yes/)
})

test('runs helpers as another user', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const asked = externalThat(t, ['answers'], { uid: 65_534, gid: 65_533 }, 'sh')
  if (asked === undefined) return
  const [pid] = asked.module.pids as [number]
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534$/m)
  assert.match(status, /^Gid:\t65533\t65533\t65533\t65533$/m)
  assert.match(status, /^Groups:\s*$/m)
})

for (const { name, options, reason } of [
  {
    name: 'a user that it cannot become',
    options: { uid: -1 },
    reason: ' as user -1: (invalid argument|operation not permitted)',
  },
  {
    name: 'a folder that is not there',
    options: { home: '/nowhere' },
    reason: ' in /nowhere: no such file or directory',
  },
])
  test(`logs that a helper could not be started with ${name}`, async (t) => {
    const asked = externalThat(t, ['answers'], options)
    if (asked === undefined) return
    const { code, values } = await asked.ask()
    assert.equal(code, FINAL)
    assert.equal(values[AV.RESULT], 'ERR')
    await asked.logged(new RegExp(`^external: \\S+ could not be started${reason}`))
    await asked.logged(/^external: \S+ respawning too fast; throttling for \d+ seconds.$/)
  })

test('ends a helper when logging its line throws, and asks another one', async (t) => {
  const said: string[] = []
  let isBroken = true
  const say = (_: number, text: string) => {
    said.push(text)
    if (isBroken && text.endsWith('asked of joe')) {
      isBroken = false
      throw new Error('injected')
    }
  }
  const asked = externalThat(t, ['stderr'], { say })
  if (asked === undefined) return
  const [first] = asked.module.pids as [number]
  for (let i = 0; i < 3; i++) assert.equal((await asked.ask()).values[AV.RESULT], 'ACK')
  await asked.logged(
    /^internal error while handling the standard error of a mavis helper \(1 .*: Error: injected$/,
  )
  await until('the helper to end', () => !isAlive(first))
  assert.ok(!asked.module.pids.includes(first))
})
