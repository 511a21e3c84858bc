/** The source `dns`: a member for each address of a name. */
import { formatAddress, type HostLiteral, parseHostLiteral, withPort } from '../../base/address.js'
import type { DnsPlan } from '../discover-plan.js'
import { lookUpAddresses } from '../dns/addresses.js'
import { openClient } from '../dns/client.js'
import { intervalOf } from '../dns/interval.js'
import { runRounds } from '../rounds.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

export function openDns(plan: DnsPlan, events: SourceEvents, times: SourceTimes = SOURCE_TIMES): Source {
  return runRounds(events, times, async (round) => {
    const ask = await openClient(plan, round.signal)
    const { hosts, ttlMs } = await lookUpAddresses(ask, plan.name, plan.family)
    const literals = hosts.flatMap((host) => parseHostLiteral(host) ?? [])
    round.answer(literals.map((literal) => memberAt(literal, plan.port)))
    await round.pause(intervalOf(plan, ttlMs))
  })
}

function memberAt(literal: HostLiteral, port: number): FoundMember {
  const name = formatAddress(withPort(literal, port))
  return { name, hosts: [literal.host], port, weight: undefined, tier: undefined }
}
