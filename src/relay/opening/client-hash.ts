/** The hash of a client by which policies choose that hash. */
import type { RouteFacts } from '../../admission/route-facts.js'
import { hashAddress, hashText } from '../../balance/hash.js'
import type { ClientKeyPlan, SourceKeyPlan } from '../client-key.js'
import type { Session } from '../session.js'

const IPV4_BYTES = 4

/** 32 bits. A client without that key is recognised by its whole address. */
export function hashOfClient(session: Session, key: ClientKeyPlan, seed = 0): number {
  return hashOfFacts(session.relay.facts.of(session), key, session.clientKey, seed)
}

/** The same without a session. `clientKey`: the key in its first bytes, '' if it is not known. */
export function hashOfFacts(facts: RouteFacts, key: ClientKeyPlan, clientKey: string, seed = 0): number {
  const text = key.by === 'source' ? '' : textOf(facts, key.by, clientKey)
  if (text !== '') return hashText(text, seed)
  const { address, addressAt, addressByteCount } = facts
  const allBits = 8 * addressByteCount
  const keyBits = key.by === 'source' ? networkBits(key, addressByteCount) : allBits
  return hashAddress(address, addressAt, addressByteCount, keyBits, seed)
}

/** False: it has neither that key nor an address. */
export function isRecognised(session: Session, key: ClientKeyPlan): boolean {
  return isRecognisedBy(session.relay.facts.of(session), key, session.clientKey)
}

/** The same without a session. */
export function isRecognisedBy(facts: RouteFacts, key: ClientKeyPlan, clientKey: string): boolean {
  return facts.addressByteCount > 0 || (key.by !== 'source' && textOf(facts, key.by, clientKey) !== '')
}

function networkBits({ ipv4Bits, ipv6Bits }: SourceKeyPlan, addressByteCount: number): number {
  return addressByteCount === IPV4_BYTES ? ipv4Bits : ipv6Bits
}

function textOf(facts: RouteFacts, by: Exclude<ClientKeyPlan['by'], 'source'>, clientKey: string): string {
  if (by === 'server-name') return facts.serverName()
  return by === 'certificate' ? (facts.certificate()?.fingerprint() ?? '') : clientKey
}
