/** The hash of a client by which policies choose that hash. */

import type { RouteFacts } from '../../admission/route-facts.js'
import { hashAddress, hashText } from '../../balance/hash.js'
import type { ClientKeyPlan } from '../client-key.js'
import type { Session } from '../session.js'

const IPV4_BYTES = 4

/** 32 bits. A client without that key is recognised by its whole address. */
export function hashOfClient(session: Session, key: ClientKeyPlan): number {
  return hashOfFacts(session.relay.facts.of(session), key, session.clientKey)
}

/** The same without a session. `clientKey`: the key in its first bytes, '' if it is not known. */
export function hashOfFacts(facts: RouteFacts, key: ClientKeyPlan, clientKey: string): number {
  const text = key.by === 'source' ? '' : textOf(facts, key.by, clientKey)
  if (text !== '') return hashText(text)
  const { address, addressAt, addressByteCount } = facts
  if (key.by !== 'source') return hashAddress(address, addressAt, addressByteCount)
  const bits = addressByteCount === IPV4_BYTES ? key.ipv4Bits : key.ipv6Bits
  return hashAddress(address, addressAt, addressByteCount, bits)
}

function textOf(facts: RouteFacts, by: Exclude<ClientKeyPlan['by'], 'source'>, clientKey: string): string {
  if (by === 'server-name') return facts.serverName()
  return by === 'certificate' ? (facts.certificate()?.fingerprint() ?? '') : clientKey
}
