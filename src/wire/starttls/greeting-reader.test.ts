import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../../test/support/cuts.js'
import { proxySeed, runs } from '../../../test/support/proxy-runs.js'
import {
  GREETING_BAD,
  GREETING_INCOMPLETE,
  type GreetingProtocol,
  GreetingReader,
} from './greeting-reader.js'

const latin = (text: string) => Buffer.from(text, 'latin1')

/** What is behind the greeting, or why it is none; undefined: it goes on. */
function rest(protocol: GreetingProtocol, chunks: readonly Uint8Array[]): string | undefined {
  const reader = new GreetingReader(protocol)
  for (const [i, chunk] of chunks.entries()) {
    const taken = reader.read(chunk, chunk.length)
    if (taken === GREETING_BAD) return reader.problem
    if (taken === GREETING_INCOMPLETE) continue
    return Buffer.concat([chunk.subarray(taken), ...chunks.slice(i + 1)]).toString('latin1')
  }
  return undefined
}

const GOOD: readonly (readonly [GreetingProtocol, string])[] = [
  ['smtp', '220 mail.example ESMTP Postfix\r\n'],
  ['smtp', '220\r\n'],
  ['smtp', '220-mail.example\r\n220-No spam\r\n220 ESMTP\r\n'],
  ['imap', '* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n'],
  ['pop3', '+OK <1896.697170952@pop.example>\r\n'],
  ['ftp', '220 (vsFTPd 3.0.3)\r\n'],
  ['ftp', '120 Ready in 1 minute\r\n220 Ready\r\n'],
  ['ftp', '220-Welcome\r\n  to this server\r\n230 is not its code\r\n220 Ready\r\n'],
]

test('a greeting ends with its last line, wherever it is split; what is behind it is kept', () => {
  for (const [protocol, greeting] of GOOD) {
    for (const chunks of atEveryByte(latin(greeting))) assert.equal(rest(protocol, chunks), '', greeting)
    assert.equal(rest(protocol, [latin(`${greeting}* more`)]), '* more')
    assert.equal(rest(protocol, [latin(greeting.slice(0, -1))]), undefined)
  }
})

test('a server that does not serve says why', () => {
  for (const [protocol, greeting, why] of [
    ['smtp', '554 No service\r\n', 'its greeting is "554 No service"'],
    ['smtp', '421-Too many\r\n421 connections\r\n', 'its greeting is "421-Too many"'],
    ['smtp', '120 x\r\n', 'its greeting is "120 x"'],
    ['smtp', '* OK\r\n', 'its greeting is "* OK"'],
    ['smtp', '2200 x\r\n', 'its greeting is "2200 x"'],
    ['ftp', '421 Too many users\r\n', 'its greeting is "421 Too many users"'],
    ['imap', '* BYE Overloaded\r\n', 'its greeting is "* BYE Overloaded"'],
    ['imap', '* PREAUTH Hello\r\n', 'its greeting is "* PREAUTH Hello"'],
    ['imap', '* OKAY\r\n', 'its greeting is "* OKAY"'],
    ['pop3', '-ERR \x1b[2Jno\xff\r\n', 'its greeting is "-ERR ?[2Jno?"'],
  ] as const) {
    assert.equal(rest(protocol, [latin(greeting)]), why)
  }
})

test('an endless greeting is none', () => {
  for (const line of ['x', '220-x\r\n']) {
    assert.equal(rest('smtp', [latin(line.repeat(9_000))]), 'its greeting is longer than 8192 bytes')
  }
})

test('every split of mutated greetings has the same result', () => {
  const seed = proxySeed()
  console.log(`seed ${seed}`)
  const greeting = fc
    .tuple(
      fc.constantFrom(...GOOD),
      fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 255 })), { maxLength: 3 }),
    )
    .map(([[protocol, text], changes]) => {
      const bytes = latin(`${text}* behind\r\n220 x\r\n`)
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      return { protocol, bytes }
    })
  fc.assert(
    fc.property(greeting, anyCuts, ({ bytes, protocol }, cuts) => {
      assert.equal(rest(protocol, cutAt(bytes, cuts)), rest(protocol, [bytes]))
    }),
    { seed, numRuns: runs(5_000) },
  )
})
