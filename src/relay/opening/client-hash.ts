/** The hash of a client by which policies choose that hash. */

import type { RouteFacts } from '../../admission/route-facts.js'
import { hashAddress, hashText } from '../../balance/hash.js'
import type { ClientKeyPlan } from '../client-key.js'
import type { Session } from '../session.js'

const IPV4_BYTES = 4

export function hashOfClient(session: Session, key: ClientKeyPlan): number {
  return hashOfFacts(session.relay.facts.of(session), session.clientKey, key)
}

/** 32 bits. `clientKey`: the key in the client's first bytes. A client without the key is recognised by its whole address. */
export function hashOfFacts(facts: RouteFacts, clientKey: string, key: ClientKeyPlan): number {
  const text = key.by === 'source' ? '' : textOf(facts, clientKey, key.by)
  if (text !== '') return hashText(text)
  const { address, addressAt, addressByteCount } = facts
  if (key.by !== 'source') return hashAddress(address, addressAt, addressByteCount)
  const bits = addressByteCount === IPV4_BYTES ? key.ipv4Bits : key.ipv6Bits
  return hashAddress(address, addressAt, addressByteCount, bits)
}

function textOf(facts: RouteFacts, clientKey: string, by: Exclude<ClientKeyPlan['by'], 'source'>): string {
  if (by === 'server-name') return facts.serverName()
  return by === 'certificate' ? (facts.certificate()?.fingerprint() ?? '') : clientKey
}
