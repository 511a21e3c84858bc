/** By what a pool recognises clients, and the hash of it that its policy chooses by. */
import { hashAddress, hashText } from '../balance/hash.js'
import type { SessionFacts } from './opening/session-facts.js'
import type { Session } from './session.js'

/** `source`: the client's address, cut to so many bits. */
export type ClientKeyPlan =
  | { readonly by: 'source'; readonly ipv4Bits: number; readonly ipv6Bits: number }
  | { readonly by: 'server-name' | 'rdp-cookie' | 'mqtt-client' | 'certificate' }

const IPV4_BYTES = 4

/** 32 bits. A client without that key is recognised by its whole address. */
export function hashOfClient(session: Session, key: ClientKeyPlan): number {
  const facts = session.relay.facts.of(session)
  const text = key.by === 'source' ? '' : textOf(session, facts, key.by)
  if (text !== '') return hashText(text)
  const { address, addressAt, addressByteCount } = facts
  if (key.by !== 'source') return hashAddress(address, addressAt, addressByteCount)
  const bits = addressByteCount === IPV4_BYTES ? key.ipv4Bits : key.ipv6Bits
  return hashAddress(address, addressAt, addressByteCount, bits)
}

function textOf(
  { clientKey }: Session,
  facts: SessionFacts,
  by: Exclude<ClientKeyPlan['by'], 'source'>,
): string {
  if (by === 'server-name') return facts.serverName()
  return by === 'certificate' ? (facts.certificate()?.fingerprint() ?? '') : clientKey
}
