import { test } from 'node:test'
import fc from 'fast-check'
import { checkedIn } from '../../../test/support/checked.js'
import { anyCuts, cutAt } from '../../../test/support/cuts.js'
import type { ProbeCheck } from '../probe-checks.js'

const CHECKS: readonly ProbeCheck[] = [
  {
    type: 'http',
    request: 'GET / HTTP/1.1\r\n\r\n',
    isHead: false,
    statuses: [{ first: 200, last: 399 }],
    body: { kind: 'pattern', source: '^(a|b)+$', shown: '/^(a|b)+$/' },
  },
  {
    type: 'expect',
    steps: [
      { kind: 'expect', sought: { kind: 'bytes', source: 'a', shown: '"a"' } },
      { kind: 'send', bytes: 'x' },
      { kind: 'expect', sought: { kind: 'pattern', source: '(a|b)+$', shown: '/(a|b)+$/' } },
    ],
  },
  { type: 'redis', user: undefined, password: 'x', role: 'master' },
  { type: 'smtp', helo: 'x' },
  { type: 'agent', request: '' },
]

/** Pieces of answers, so that the checks get past the first byte. */
const PIECES = [
  ...[
    'HTTP/1.1 200 OK\r\n',
    'Content-Length: 3\r\n',
    'Transfer-Encoding: chunked\r\n',
    '\r\n',
    '3\r\n',
    'ab',
  ],
  ...['+OK\r\n', '+PONG\r\n', '*3\r\n', '$6\r\nmaster\r\n', '-ERR\r\n', ':1\r\n', '$-1\r\n', '$4'],
  ...['220 ', '220-', '250 ', '250-', '\n', 'up', 'down', '75%', ' '],
]
const garbage = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES).map((piece) => Buffer.from(piece)),
      fc.uint8Array({ maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces))

for (const check of CHECKS) {
  test(`${check.type}: any bytes pass or fail the check, which ends`, async () => {
    await fc.assert(
      fc.asyncProperty(garbage, anyCuts, async (bytes, cuts) => {
        await checkedIn(check, cutAt(bytes, cuts))
      }),
    )
  })
}
