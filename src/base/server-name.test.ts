import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { clientServerName, parseServerName, parseServerNamePattern } from './server-name.js'

const nameIn = (text: string) => parseServerName(text, domainToASCII)
const patternIn = (text: string) => parseServerNamePattern(text, domainToASCII)
const LONG_LABEL = 'a'.repeat(64)
const LONG_NAME = `${'a.'.repeat(127)}a`

test('normalises names of clients', () => {
  const names: Readonly<Record<string, string>> = {
    'www.example.com': 'www.example.com',
    'WWW.Example.COM.': 'www.example.com',
    localhost: 'localhost',
    '_sip._tcp.example': '_sip._tcp.example',
    'XN--BCHER-KVA.example': 'xn--bcher-kva.example',
    '1.example': '1.example',
  }
  for (const [sent, name] of Object.entries(names)) assert.equal(clientServerName(sent), name)
})

test('treats other text of clients as no name', () => {
  const texts = [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a..',
    'a b',
    'a\0',
    'a\n',
    '*.a',
    'a:443',
    'b\u00fccher.example',
  ]
  const addresses = [
    '10.0.0.1',
    '10.0.0.1.',
    '127.1',
    '1',
    '0x7f000001',
    '0X7F.0.0.0x1',
    'a.1',
    '::1',
    '[::1]',
  ]
  for (const sent of [undefined, ...texts, ...addresses, `${LONG_LABEL}.b`, LONG_NAME])
    assert.equal(clientServerName(sent), '', sent)
  // U+212A, KELVIN SIGN, lower-cases to k.
  assert.equal(clientServerName('\u212aa.example'), '')
})

test('reads names and patterns into the form of names of clients', () => {
  const patterns: Readonly<Record<string, string>> = {
    'WWW.Example.COM.': 'www.example.com',
    'b\u00fccher.example': 'xn--bcher-kva.example',
    '*.B\u00dcCHER.example.': '*.xn--bcher-kva.example',
    '*.example.com': '*.example.com',
    '*.com': '*.com',
    '*': '*',
  }
  for (const [text, name] of Object.entries(patterns))
    assert.deepEqual(patternIn(text), { kind: 'name', name }, text)
  assert.deepEqual(nameIn('Example.'), { kind: 'name', name: 'example' })
})

test('explains what is wrong with a name or a pattern', () => {
  const problems: Readonly<Record<string, RegExp>> = {
    '': /^has no labels/,
    '.': /^has no labels/,
    '*.': /^has no labels/,
    'https://a.example/': /^is a URL: write only its host name$/,
    'a.example:443': /^has a port: /,
    '10.0.0.1': /^is an IP address/,
    '127.1': /^is an IP address/,
    '*.10': /^is an IP address/,
    '\uff11\uff10.0.0.1': /^is an IP address/,
    '::1': /do not send addresses/,
    '[2001:db8::1]:443': /do not send addresses/,
    '.example.com': /^begins with a dot: '\*\.example\.com' matches all names below 'example\.com'$/,
    'a..b': /^has an empty label/,
    'a.*.b': /only the whole first label/,
    'www*.example.com': /only the whole first label/,
    '*a.example': /only the whole first label/,
    '*.*.example': /only the whole first label/,
    '**': /only the whole first label/,
    '~^www\\.': /regular expressions/,
    '(a|b).example': /regular expressions/,
    'a b': /^contains ' '/,
    'a/b': /^contains '\/'/,
    'a\u{1f600}b .example': /^is not a valid internationalized host name$/,
    [`${LONG_LABEL}.b`]: /more than 63 characters/,
    [LONG_NAME]: /more than 253 characters/,
  }
  for (const [text, why] of Object.entries(problems)) {
    const reading = patternIn(text)
    assert.match(reading.kind === 'bad' ? reading.why : JSON.stringify(reading), why, text)
  }
  assert.match(JSON.stringify(nameIn('*.example.com')), /wildcard/)
})

test('a name that the configuration accepts is its own normal form', () => {
  const character = fc.constantFrom(...'aZ0-_.*\u00fc\uff11\u3002 :/')
  const text = fc.oneof(
    fc.array(character, { maxLength: 12 }).map((all) => all.join('')),
    fc.domain(),
  )
  fc.assert(
    fc.property(text, (given) => {
      const reading = nameIn(given)
      if (reading.kind === 'bad') return
      assert.equal(clientServerName(reading.name), reading.name)
      assert.deepEqual(nameIn(`${reading.name.toUpperCase()}.`), reading)
    }),
  )
})
