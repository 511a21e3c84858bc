import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Arguments } from '../config/arguments.js'
import { parseArguments, usage } from './arguments.js'

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
