import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from './address-types.js'
import { applyDebugSteps } from './debug-mask.js'
import { INT_MAX, parseCount } from './number-types.js'

test('parses decimal and hex numbers with suffixes', () => {
  const cases: [string, number | undefined][] = [
    ['0', 0],
    ['010', 10],
    ['+5', 5],
    ['-1', -1],
    ['0x1F', 31],
    ['0x10k', 16_384],
    ['2k', 2048],
    ['2K', 2048],
    ['3m', 3 * 2 ** 20],
    ['1G', 2 ** 30],
    ['10kb', 10_240],
    ['', undefined],
    ['x', undefined],
    ['1x', undefined],
    ['1kx', undefined],
    ['1.5', undefined],
    ['0x', undefined],
  ]
  for (const [text, value] of cases) assert.equal(parseCount(text), value, text)
  assert.ok((parseCount('9'.repeat(400)) ?? 0) > INT_MAX)
})

test('parses literals, names and paths, with or without a port', () => {
  const literal = (family: string, host: string, port?: number) => ({
    kind: 'literal',
    literal: family === 'ipv6' ? { family, host, scope: '' } : { family, host },
    port,
  })
  assert.deepEqual(parseAddress('10.0.0.1'), literal('ipv4', '10.0.0.1'))
  assert.deepEqual(parseAddress('127.1:80'), literal('ipv4', '127.0.0.1', 80))
  assert.deepEqual(parseAddress('::1:22'), literal('ipv6', '::1:22'))
  assert.deepEqual(parseAddress('[::1]:22'), literal('ipv6', '::1', 22))
  assert.deepEqual(parseAddress('inet6:[::1]:22'), literal('ipv6', '::1', 22))
  assert.deepEqual(parseAddress('a-b.example.:7'), {
    kind: 'name',
    host: 'a-b.example.',
    family: 'any',
    port: 7,
  })
  assert.deepEqual(parseAddress('inet:localhost'), {
    kind: 'name',
    host: 'localhost',
    family: 'ipv4',
    port: undefined,
  })
  assert.deepEqual(parseAddress('unix:/run/x:1'), { kind: 'path', path: '/run/x:1' })
})

test('rejects malformed addresses', () => {
  const wrong = [
    '',
    '10.0.0.256',
    '1.2.3.4.5',
    '10.0.0.1:99999',
    '10.0.0.1:',
    ':80',
    '[::1]',
    '[::1]:',
    '[10.0.0.1]:80',
    '[x]:80',
    'inet:::1',
    'inet6:10.0.0.1',
    'unix:',
    'unix:x',
    `/${'x'.repeat(107)}`,
    'a..b',
    '-a',
    'a b',
    `${'a'.repeat(64)}.b`,
    'x:y',
  ]
  for (const text of wrong) assert.equal(parseAddress(text), undefined, text)
})

test('applies debug steps in order', () => {
  const step = (bits: number, kind = '') => ({ bits, isOff: kind === '-', isReset: kind === 'none' })
  assert.equal(applyDebugSteps(1, [step(2), step(1, '-')]), 2)
  assert.equal(applyDebugSteps(7, [step(0, 'none'), step(0x8000_0000)]), 0x8000_0000)
})

test('an abstract name begins with NUL', () => {
  assert.deepEqual(parseAddress('unix:@x'), { kind: 'path', path: '\0x' })
  assert.deepEqual(parseAddress('unix:@/run/x:1'), { kind: 'path', path: '\0/run/x:1' })
  const longest = 'x'.repeat(107)
  assert.deepEqual(parseAddress(`unix:@${longest}`), { kind: 'path', path: `\0${longest}` })
  for (const text of ['unix:@', `unix:@x${longest}`, 'unix:@x\0y', '@x'])
    assert.equal(parseAddress(text), undefined, text)
})
