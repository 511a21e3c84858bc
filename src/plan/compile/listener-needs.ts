/** What routes have to know of the clients of a listener, before they choose. */
import { NEEDS_FIRST_BYTES, NEEDS_HELLO } from '../../admission/route-needs.js'
import type { Router } from '../../admission/router.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { ListenerPlan } from '../../engine/plan.js'
import type { Detection } from '../../relay/detection.js'
import { PROTOCOL } from '../../wire/sniff/protocol-names.js'
import { endless } from '../load/endless.js'

/**
 * A plain listener whose routes need the ClientHello reads it as with `tls = pass`; one whose routes name protocols
 * detects these. Others spend nothing. `handshakeTimeoutMs`: the time limit for a ClientHello that has begun.
 */
export function withNeeds(
  plan: ListenerPlan,
  slot: number,
  { detectTimeoutMs }: ListenerSettings,
  router: Router,
  handshakeTimeoutMs: number,
): ListenerPlan {
  if (plan.pool !== undefined) return plan
  const needs = router.needsOf(slot)
  const timeoutMs = endless(detectTimeoutMs)
  const readsHello = (needs & NEEDS_HELLO) !== 0 && plan.tls.mode === 'off'
  const tls = readsHello
    ? ({ mode: 'pass', detectTimeoutMs: timeoutMs, handshakeTimeoutMs } as const)
    : plan.tls
  const detection = (needs & NEEDS_FIRST_BYTES) === 0 ? undefined : detectionOf(router, slot, timeoutMs)
  return { ...plan, tls, ...(detection === undefined ? {} : { detection }) }
}

function detectionOf(router: Router, slot: number, timeoutMs: number): Detection {
  const protocols = [...router.protocolsOf(slot)].reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)
  return { protocols, key: undefined, timeoutMs }
}
