/** Looks up the addresses of a name. */
import type { DnsFamily } from '../discover-plan.js'
import type { Ask } from './client.js'
import { DnsFailure } from './dns-failure.js'
import { type DnsAnswer, lookUp } from './look-up.js'
import type { AddressRecord, DnsRecord } from './message.js'

const TYPES_OF: Readonly<Record<DnsFamily, readonly AddressRecord['type'][]>> = {
  any: ['A', 'AAAA'],
  ipv4: ['A'],
  ipv6: ['AAAA'],
}

export interface AddressAnswer {
  /** IP literals, sorted and each once: servers change the order of records with each answer. */
  readonly hosts: readonly string[]
  readonly ttlMs: number
  /** Why there are none. */
  readonly denial: 'NXDOMAIN' | 'NODATA' | undefined
}

/**
 * Rejects with a `DnsFailure` unless both families are answered. `sent`: records that came with another answer, which
 * are not asked for again: a server sends all records of a name and type, or none (RFC 2181, section 5).
 */
export async function lookUpAddresses(
  ask: Ask,
  name: string,
  family: DnsFamily,
  sent: readonly DnsRecord[] = [],
): Promise<AddressAnswer> {
  const lookUps = TYPES_OF[family].map((type) => sentAnswer(sent, type, name) ?? lookUp(ask, type, name))
  const settled = await Promise.allSettled(lookUps)
  const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  const unexpected = reasons.find((reason) => !(reason instanceof DnsFailure))
  if (unexpected !== undefined) throw unexpected
  if (reasons.length > 0) throw new DnsFailure(reasons.map(({ message }) => message).join(' and '))
  return combined(settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
}

type FamilyAnswer = Pick<DnsAnswer<'A' | 'AAAA'>, 'denial' | 'records' | 'ttlMs'>

function sentAnswer(
  sent: readonly DnsRecord[],
  type: AddressRecord['type'],
  name: string,
): FamilyAnswer | undefined {
  const records = sent.filter(
    (record): record is AddressRecord => record.type === type && record.name === name,
  )
  if (records.length === 0) return undefined
  return { records, denial: undefined, ttlMs: Math.min(...records.map(({ ttlMs }) => ttlMs)) }
}

/** A family without records is asked again with the other one, because its negative TTL is often short or missing. */
function combined(answers: readonly FamilyAnswer[]): AddressAnswer {
  const hosts = new Set(answers.flatMap(({ records }) => records.map(({ address }) => address)))
  const counting = answers.filter(({ records }) => hosts.size === 0 || records.length > 0)
  return {
    hosts: [...hosts].sort(),
    ttlMs: Math.min(...counting.map(({ ttlMs }) => ttlMs)),
    denial: counting.find(({ denial }) => denial !== undefined)?.denial,
  }
}
