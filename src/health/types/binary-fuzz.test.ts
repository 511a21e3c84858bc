import { test } from 'node:test'
import fc from 'fast-check'
import { checkedIn } from '../../../test/support/checked.js'
import { anyCuts, cutAt } from '../../../test/support/cuts.js'
import type { ProbeCheck } from '../probe-checks.js'

const CHECKS: readonly ProbeCheck[] = [
  { type: 'mysql', user: 'x', role: 'primary' },
  { type: 'postgres', user: 'x', database: 'x', role: 'primary' },
  { type: 'ldap', results: [0] },
  { type: 'mqtt', clientId: undefined, user: undefined, password: undefined },
]

/** Pieces of answers in hexadecimal, so that the checks get past the first byte. */
const PIECES = [
  // MySQL: a greeting, OK, an error, a switch of the method, rows.
  '2e0000000a38000000000031323334353637380001822102000800150000000000000000000031323334353637383930313200780',
  ...[
    '0700000200000002000000',
    '03000002ff1504',
    '0100000101',
    '05000005fe00000200',
    '020000040130',
    '010000',
  ],
  // PostgreSQL: authentication, ready, an error, a row.
  ...['520000000800000000', '5a0000000549', '450000000943000000', '440000000b00010000000174', '5300000004'],
  // LDAP.
  ...['300c02010161070a010004000400', '3084', '020101', '61', '0a0100', '0400', '30'],
  // MQTT.
  ...['20020000', '2002', '0005'],
]
const garbage = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES).map((piece) => Buffer.from(piece, 'hex')),
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
