import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesAlternativeName, matchesNamePattern } from './certificate-pattern.js'

type Row = readonly [name: string, pattern: string, isMatch: boolean]

test('matches subjects and issuers', () => {
  const rows: readonly Row[] = [
    ['CN=joe,O=Example', 'CN=joe,O=Example', true],
    ['CN=joe,O=Example', 'CN=joe', false],
    ['CN=joe,O=Example', 'CN=*,O=Example', true],
    ['CN=joe,O=Example', '*,O=Example', true],
    ['CN=joe,O=Example', '*O=Exam*', true],
    ['CN=joe,O=Example', '*', true],
    ['', '*', true],
    ['', '', true],
    ['CN=joe', 'cn=joe', false],
    ['CN=joe', 'CN=jo?', false],
    ['CN=joe', 'CN=joe*', true],
    ['CN=joe', '**', true],
    ['CN=*.example.com', 'CN=*.example.com', true],
  ]
  for (const [name, pattern, isMatch] of rows)
    assert.equal(matchesNamePattern(name, pattern), isMatch, `${name} ${pattern}`)
})

test('an escaped character is not the bare one', () => {
  const rows: readonly Row[] = [
    ['CN=x\\,O=Example', '*,O=Example', false],
    ['CN=x\\,O=Example', 'CN=x\\,O=Example', true],
    ['CN=x\\,O=Example', 'CN=*', true],
    ['CN=x\\\\,O=Example', '*,O=Example', true],
    ['CN=x\\\\,O=Example', 'CN=x\\\\,*', true],
    ['CN=x\\', 'CN=x\\', true],
    ['CN=x\\', 'CN=x', false],
  ]
  for (const [name, pattern, isMatch] of rows)
    assert.equal(matchesNamePattern(name, pattern), isMatch, `${name} ${pattern}`)
})

test('matches alternative names with and without a type, and only URIs case-sensitively', () => {
  const rows: readonly Row[] = [
    ['DNS:www.example.com', 'DNS:www.example.com', true],
    ['DNS:WWW.example.com', 'www.Example.com', true],
    ['DNS:www.example.com', '*.example.com', true],
    ['DNS:www.example.com', 'IP:*', false],
    ['DNS:www.example.com', 'DNS:*', true],
    ['IP:2001:db8::1', '2001:DB8::1', true],
    ['IP:2001:db8::1', 'IP:2001:db8::*', true],
    ['email:Joe@example.com', '*@example.com', true],
    ['URI:spiffe://example/Db', 'spiffe://example/Db', true],
    ['URI:spiffe://example/Db', 'spiffe://example/db', false],
    ['URI:spiffe://example/Db', 'URI:spiffe://example/*', true],
  ]
  for (const [name, pattern, isMatch] of rows)
    assert.equal(matchesAlternativeName(name, pattern), isMatch, `${name} ${pattern}`)
})

test('matches like a regular expression', () => {
  const word = fc.array(fc.constantFrom('a', 'b', ','), { maxLength: 8 }).map((all) => all.join(''))
  const pattern = fc.array(fc.constantFrom('a', 'b', ',', '*'), { maxLength: 6 }).map((all) => all.join(''))
  fc.assert(
    fc.property(word, pattern, (name, wanted) => {
      const expression = new RegExp(`^${wanted.replaceAll('*', '.*')}$`)
      assert.equal(matchesNamePattern(name, wanted), expression.test(name))
    }),
    { numRuns: 2_000 },
  )
})
