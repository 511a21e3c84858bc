import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { POLICY_NAMES } from '../base/policy-names.js'
import type { Arguments } from '../config/arguments.js'
import { parseArguments, usage } from './arguments.js'
import { type SimulateArguments, simulateUsage } from './simulate-arguments.js'

const DEFAULTS: Arguments = {
  configuration: 'x.cfg',
  id: undefined,
  isCheckOnly: false,
  debugMask: 0,
  isDebugOnStderr: false,
  childId: undefined,
  masterId: undefined,
  pidfile: undefined,
  background: undefined,
  isSingleProcess: false,
  gracePeriodS: undefined,
}

const words = (line: string) => line.split(' ')

function runs(line: string, changes: Partial<Arguments>): void {
  assert.deepEqual(parseArguments(words(line)), { kind: 'run', arguments: { ...DEFAULTS, ...changes } }, line)
}

test('parses each option by itself', () => {
  runs('x.cfg', {})
  runs('x.cfg relay', { id: 'relay' })
  runs('-P x.cfg', { isCheckOnly: true })
  runs('-1 x.cfg', { isSingleProcess: true })
  runs('-b x.cfg', { background: true })
  runs('-f x.cfg', { background: false })
  runs('-i child x.cfg', { childId: 'child' })
  runs('-I master x.cfg', { masterId: 'master' })
  runs('-p /run/x.pid x.cfg', { pidfile: '/run/x.pid' })
  runs('-t 30 x.cfg', { gracePeriodS: 30 })
  runs('-t 0 x.cfg', { gracePeriodS: 0 })
  runs('-d 16384 x.cfg', { debugMask: 16_384 })
  runs('-D x.cfg', { isDebugOnStderr: true })
})

test('flags may be combined, and a value may directly follow its letter', () => {
  runs('-P1fD x.cfg', { isCheckOnly: true, isSingleProcess: true, background: false, isDebugOnStderr: true })
  runs('-t30 -d16 -i7 x.cfg', { gracePeriodS: 30, debugMask: 16, childId: '7' })
  runs('-1Pt 5 x.cfg', { isSingleProcess: true, isCheckOnly: true, gracePeriodS: 5 })
  runs('-1pPf x.cfg', { isSingleProcess: true, pidfile: 'Pf' })
})

test('options may stand anywhere, and -- ends them', () => {
  runs('x.cfg -P relay -1', { id: 'relay', isCheckOnly: true, isSingleProcess: true })
  runs('-P -- -x.cfg -1', { configuration: '-x.cfg', id: '-1', isCheckOnly: true })
  runs('-', { configuration: '-' })
  runs('-i -P x.cfg', { childId: '-P' })
  assert.deepEqual(parseArguments(['-p', '', 'x.cfg']), {
    kind: 'run',
    arguments: { ...DEFAULTS, pidfile: '' },
  })
})

test('the last of two contradicting flags overrides the first', () => {
  runs('-b -f x.cfg', { background: false })
  runs('-fb x.cfg', { background: true })
  runs('-t 1 -t 2 x.cfg', { gracePeriodS: 2 })
})

test('describes errors', () => {
  for (const [line, message] of [
    ['-x x.cfg', "unknown option '-x'"],
    ['-Px x.cfg', "unknown option '-x'"],
    ['--verbose x.cfg', "unknown option '--'"],
    ['-i', "option '-i' needs a value: <id>"],
    ['x.cfg -t', "option '-t' needs a value: <seconds>"],
    ['-t soon x.cfg', "option '-t' takes a number, not 'soon'"],
    ['-t -1 x.cfg', "option '-t' takes a number, not '-1'"],
    ['-t 1.5 x.cfg', "option '-t' takes a number, not '1.5'"],
    ['-t 1e3 x.cfg', "option '-t' takes a number, not '1e3'"],
    ['-d 0x10 x.cfg', "option '-d' takes a number, not '0x10'"],
    ['-d 99999999999 x.cfg', "option '-d' takes a number, not '99999999999'"],
    ['-P', 'missing argument: configuration file'],
    ['--', 'missing argument: configuration file'],
    ['x.cfg relay more', "unexpected argument 'more'"],
    ['mavis-test', 'missing argument: configuration file'],
    ['mavis-test x.cfg', 'missing argument: address of a client'],
    ['mavis-test x.cfg 192.0.2.1 cert.pem more', "unexpected argument 'more'"],
  ] as const) {
    assert.deepEqual(parseArguments(words(line)), { kind: 'wrong', message }, line)
  }
  assert.equal(parseArguments([]).kind, 'wrong')
})

test('mavis-test takes a configuration, an address and optionally a certificate', () => {
  const parsed = parseArguments(words('mavis-test -i relay x.cfg 192.0.2.1 cert.pem'))
  assert.equal(parsed.kind, 'mavis-test')
  if (parsed.kind !== 'mavis-test') return
  assert.equal(parsed.arguments.configuration, 'x.cfg')
  assert.equal(parsed.arguments.childId, 'relay')
  assert.equal(parsed.arguments.id, undefined)
  assert.deepEqual([parsed.address, parsed.certificate], ['192.0.2.1', 'cert.pem'])
  assert.equal(parseArguments(words('./mavis-test')).kind, 'run')
  assert.equal(parseArguments(words('mavis-test -h')).kind, 'help')
})

const LOG = { kind: 'log', file: 'a.log' } as const

/** What `simulate x.cfg` and these words are parsed as. */
function simulates(line: string, changes: Partial<SimulateArguments>): void {
  const nothing = { pool: undefined, policy: undefined, outages: [], seed: undefined, isJson: false }
  const expected = { kind: 'simulate', arguments: DEFAULTS, source: LOG, ...nothing, ...changes }
  assert.deepEqual(parseArguments(words(`simulate x.cfg ${line}`)), expected, line)
}

test('simulate takes a log or generates connections', () => {
  const generated = {
    kind: 'generated',
    count: 1_000,
    ratePerS: 100,
    clients: 100,
    lengthMs: 1_000,
    file: undefined,
  } as const
  simulates('--trace a.log', {})
  simulates('--trace=a.log --json', { isJson: true })
  simulates('--trace -', { source: { kind: 'log', file: '-' } })
  simulates('--generate 1000', { source: generated })
  simulates('--generate 1000 --rate 2.5 --clients 7 --length 0.25 --write-trace b.log', {
    source: { ...generated, ratePerS: 2.5, clients: 7, lengthMs: 250, file: 'b.log' },
  })
  simulates('--trace a.log --pool web --policy maglev --seed 7', { pool: 'web', policy: 'maglev', seed: 7 })
  simulates('-i relay --trace a.log', { arguments: { ...DEFAULTS, childId: 'relay' } })
})

test('simulate takes outages in seconds or in times of the log', () => {
  const at = Date.UTC(2026, 10, 22, 11, 41, 3)
  const relative = (ms: number) => ({ ms, isRelative: true })
  const absolute = (ms: number) => ({ ms, isRelative: false })
  for (const [text, remote, from, to] of [
    ['web1@600-900', 'web1', relative(600_000), relative(900_000)],
    ['web/a-b@0.5-', 'web/a-b', relative(500), undefined],
    ['unix:@x@2026-11-22T11:41:03Z-2026-11-22T11:41:03.5Z', 'unix:@x', absolute(at), absolute(at + 500)],
    ['[::1]:80@2026-11-22T11:41:03Z-', '[::1]:80', absolute(at), undefined],
  ] as const) {
    simulates(`--trace a.log --down ${text}`, { outages: [{ text, remote, from, to }] })
  }
  const parsed = parseArguments(words('simulate x.cfg --trace a.log --down a@1-2 --down b@3-'))
  assert.equal(parsed.kind === 'simulate' && parsed.outages.length, 2)
})

test('simulate describes errors', () => {
  const log = '--trace a.log'
  const policies = POLICY_NAMES.join(', ')
  for (const [line, message] of [
    ['', "missing option: '--trace <file>' or '--generate <count>'"],
    [`${log} --generate 5`, "give either '--trace' or '--generate'"],
    [`${log} --frobnicate`, "unknown option '--frobnicate'"],
    [`${log} --toString`, "unknown option '--toString'"],
    [`${log} --down`, "option '--down' needs a value: <remote@from-to>"],
    [`${log} --json=yes`, "option '--json' takes no value"],
    [`${log} --policy rr`, `option '--policy' takes one of ${policies}, not 'rr'`],
    [`${log} --pool web`, "option '--pool' needs '--policy'"],
    [`${log} --rate 5`, "option '--rate' needs '--generate'"],
    [`${log} --seed x`, "option '--seed' takes a whole number from 0 to 4294967295, not 'x'"],
    ['--generate 0', "option '--generate' takes a whole number from 1 to 100000000, not '0'"],
    ['--generate 5 --rate 0', "option '--rate' takes a number from 0.001 to 1000000, not '0'"],
    [`${log} --down a@5-5`, "option '--down': the outage ends before it begins: 'a@5-5'"],
  ] as const) {
    assert.deepEqual(parseArguments(words(`simulate x.cfg ${line}`.trim())), { kind: 'wrong', message }, line)
  }
  for (const outage of ['a', 'a@', 'a@5', '@5-6', 'a@x-y', 'a@2026-11-32T00:00:00Z-', 'a@6-5x']) {
    const parsed = parseArguments(['simulate', 'x.cfg', '--trace', 'a.log', '--down', outage])
    assert.match(parsed.kind === 'wrong' ? parsed.message : '', /'--down' takes <remote>@<from>-<to>/, outage)
  }
  const parsed = parseArguments(words(`simulate ${log}`))
  assert.deepEqual(parsed, { kind: 'wrong', message: 'missing argument: configuration file' })
  assert.equal(parseArguments(words('./simulate')).kind, 'run')
  assert.equal(parseArguments(words('simulate mavis-test --generate 5')).kind, 'simulate')
})

test('the help text of simulate lists its options', () => {
  assert.equal(parseArguments(words('simulate -h')).kind, 'simulate-help')
  assert.equal(parseArguments(words('simulate x.cfg --help')).kind, 'simulate-help')
  const text = simulateUsage('tcprelay')
  assert.match(text, /^Usage: tcprelay simulate /)
  for (const policy of POLICY_NAMES) assert.ok(text.includes(policy))
})

test('rejects names of Object.prototype as options', () => {
  for (const word of ['-constructor', '-__proto__', '-toString']) {
    assert.equal(parseArguments([word, 'x.cfg']).kind, 'wrong')
  }
})

test('help and version need no other arguments', () => {
  for (const line of ['-h', '--help', '-Ph', 'x.cfg -h', '-t soon -h']) {
    assert.equal(parseArguments(words(line)).kind, 'help', line)
  }
  for (const line of ['-v', '--version', '-1v', 'x.cfg -v']) {
    assert.equal(parseArguments(words(line)).kind, 'version', line)
  }
})

test('never throws, for any command line', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-', '--', '-P', '-t', '-d', '-i', '5', 'x.cfg', '-t5', '-bfb', '-hv'),
  )
  fc.assert(
    fc.property(fc.array(word), (given) => {
      const parsed = parseArguments(given)
      if (parsed.kind === 'run') assert.ok(given.includes(parsed.arguments.configuration))
      if (parsed.kind === 'wrong') assert.ok(parsed.message.length > 0)
    }),
  )
})

test('the help text lists every option in order', () => {
  const text = usage('tcprelay')
  assert.match(text, /^Usage: tcprelay \[ <Options> \] <configuration file> \[ <id> \]\n/)
  const letters = [...text.matchAll(/^ {2}-(\S)/gm)].map(([, letter]) => letter)
  assert.deepEqual(letters, ['P', '1', 'b', 'f', 'i', 'I', 'p', 't', 'd', 'D', 'v', 'h'])
})
