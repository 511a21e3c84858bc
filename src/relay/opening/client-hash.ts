/** The hash of a client by which policies choose that hash. */
import { hashAddress, hashText } from '../../balance/hash.js'
import type { ClientKeyPlan } from '../client-key.js'
import type { Session } from '../session.js'
import type { SessionFacts } from './session-facts.js'

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
