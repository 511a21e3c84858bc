import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loseRelay } from '../../bench/lost-relay/loss.js'
import { SPREADS } from '../../bench/lost-relay/spread.js'
import type { PolicyName } from '../../src/base/policy-names.js'
import { generateTrace } from '../../src/simulate/generate-trace.js'
import { anySeed } from '../support/chi-square.js'

const REMOTES = 7

/** Standard deviations from the expected share: passed by chance once in two million. */
const DEVIATIONS = 5

function assertShare(count: number, of: number, share: number, what: string): void {
  const tolerance = DEVIATIONS * Math.sqrt(of * share * (1 - share))
  assert.ok(Math.abs(count - of * share) <= tolerance, `${what}: ${count} of ${of}, not ${100 * share} %`)
}

/** Some 4,000 connections are open at the end; each client has about one. */
const traceOf = (seed: number) =>
  generateTrace({
    count: 10_000,
    clients: 100_000,
    ratePerS: 1_000,
    lengthMs: 2_000,
    seed,
    listeners: ['front'],
  })

for (const spread of SPREADS) {
  test(`${spread.name}: as many connections are cut as calculated, whichever relay is lost`, (t) => {
    const seed = anySeed()
    t.diagnostic(`seed ${seed}`)
    const trace = traceOf(seed)
    for (const [relays, lost] of [
      [2, 0],
      [4, 0],
      [4, 2],
      [4, 3],
      [7, 3],
    ] as const) {
      const { open, own, rehashed } = loseRelay(
        { relays, remotes: REMOTES, policy: 'source', spread, seed },
        lost,
        trace,
      )
      const what = `relay ${lost} of ${relays}`
      assert.ok(open > 2_000)
      assertShare(own, open, 1 / relays, what)
      assertShare(own + rehashed, open, spread.movedShare(relays, lost), what)
    }
  })
}

test('clients get the same remote again by a hash, and by chance with other policies', (t) => {
  const seed = anySeed()
  t.diagnostic(`seed ${seed}`)
  const trace = traceOf(seed)
  for (const spread of SPREADS) {
    const lossOf = (policy: PolicyName) =>
      loseRelay({ relays: 4, remotes: REMOTES, policy, spread, seed }, 2, trace)
    for (const policy of ['maglev', 'source'] as const) {
      const { own, rehashed, sameRemote } = lossOf(policy)
      assert.equal(sameRemote, own + rehashed, policy)
    }
    for (const policy of ['round-robin', 'least-connections'] as const) {
      const { own, rehashed, sameRemote } = lossOf(policy)
      assertShare(sameRemote, own + rehashed, 1 / REMOTES, policy)
    }
  }
})

test('the calculation of ranges is that of RFC 2992: from a quarter to a half', () => {
  const ranges = SPREADS.find(({ name }) => name === 'ranges')
  assert.equal(ranges?.movedShare(4, 3), 1 / 2)
  assert.equal(ranges?.movedShare(4, 0), 1 / 2)
  assert.ok(Math.abs((ranges?.movedShare(1_001, 500) ?? 0) - 1 / 4) < 0.001)
})
