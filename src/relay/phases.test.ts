import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COUNTERS } from '../cells/layout.js'
import { COUNT, LIMIT_COUNTS, LISTENER_COUNT } from '../observe/counters.js'
import {
  type EndReason,
  LISTENER_REASON_COUNTS,
  MAY_BECOME,
  OPENING_PHASES,
  type Phase,
  REASON_COUNTS,
} from './phases.js'

const REJECTED = [COUNT.rejected, COUNT.rejectedByListener, COUNT.rejectedByRoute] as readonly number[]
const UNSERVED: readonly number[] = [
  COUNT.notServed,
  COUNT.queueTimeouts,
  COUNT.queueFull,
  COUNT.attemptsMaxReached,
  COUNT.retryBudgetSpent,
  COUNT.badProxyHeaders,
  COUNT.badStarttls,
]

const LIMITED: readonly number[] = Object.values(LIMIT_COUNTS)

const phases = Object.keys(MAY_BECOME) as Phase[]

/** Phases that can be reached from one, with it. */
function reachable(from: Phase): Set<Phase> {
  const seen = new Set([from])
  for (const phase of seen) for (const next of MAY_BECOME[phase]) seen.add(next)
  return seen
}

test('every phase can close, and a closed record can only start again', () => {
  for (const phase of phases) {
    if (phase !== 'closed') assert.ok(MAY_BECOME[phase].includes('closed'), phase)
    assert.equal(MAY_BECOME[phase].includes(phase), false, 'no phase follows itself')
  }
  assert.deepEqual(MAY_BECOME.closed, OPENING_PHASES)
})

test('every phase is reachable from the first one', () => {
  assert.deepEqual([...reachable('closed')].sort(), [...phases].sort())
})

test('no session dials after relaying', () => {
  for (const phase of phases) {
    const isFirst = [...OPENING_PHASES, 'closed', 'queued'].includes(phase) && phase !== 'dialling'
    assert.equal(MAY_BECOME[phase].includes('dialling'), isFirst)
    const isBeforeTls = ['closed', 'proxy-header', 'limiting', 'starttls'].includes(phase)
    assert.equal(MAY_BECOME[phase].includes('greeting'), isBeforeTls)
  }
})

test('every end reason has an existing counter', () => {
  for (const [reason, counter] of Object.entries(REASON_COUNTS)) {
    assert.ok(Number.isInteger(counter) && counter >= 0 && counter < COUNTERS.length, reason)
  }
  const counted = new Set(Object.values(REASON_COUNTS).map((index) => COUNTERS[index]))
  assert.ok(!counted.has('ended') && !counted.has('accepted'), 'sums are counted apart from reasons')
})

test("a listener counts what it did not serve as its child does, and MAVIS' denials as one", () => {
  for (const [reason, counter] of Object.entries(REASON_COUNTS)) {
    const wanted = reason.startsWith('mavis-')
      ? LISTENER_COUNT.denied
      : UNSERVED.includes(counter)
        ? LISTENER_COUNT.notServed
        : REJECTED.includes(counter)
          ? LISTENER_COUNT.rejected
          : LIMITED.includes(counter)
            ? LISTENER_COUNT.limited
            : undefined
    assert.equal(LISTENER_REASON_COUNTS[reason as EndReason], wanted, reason)
  }
})
