/** The source `srv`: a member for each target and port of SRV records. */
import type { SrvPlan } from '../discover-plan.js'
import { openClient } from '../dns/client.js'
import { DnsFailure } from '../dns/dns-failure.js'
import { intervalOf } from '../dns/interval.js'
import { lookUp } from '../dns/look-up.js'
import { hostsOfTargets, NO_TARGET, srvMembers } from '../dns/srv-members.js'
import { SrvTargets } from '../dns/srv-targets.js'
import { runRounds } from '../rounds.js'
import type { Source, SourceEvents } from '../source.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

export function openSrv(plan: SrvPlan, events: SourceEvents, times: SourceTimes = SOURCE_TIMES): Source {
  const targets = new SrvTargets(plan.family, hostsOfTargets(events.known ?? []))
  return runRounds(events, times, async (round) => {
    const ask = await openClient(plan, round.signal)
    const answer = await lookUp(ask, 'SRV', plan.name)
    const records = answer.records.filter(({ port, target }) => target !== NO_TARGET && port > 0)
    await targets.update(ask, records, answer.additionals)
    const { problem } = targets
    const members = srvMembers(records, (target) => targets.hostsOf(target))
    // Without the addresses of any target nothing is known of the members.
    if (members.length === 0 && problem !== undefined) throw new DnsFailure(problem)
    round.answer(members, problem)
    const ttlMs = Math.min(answer.ttlMs, targets.ttlMs)
    // Targets that could not be resolved are looked up again with the next round.
    await round.pause(intervalOf(plan, problem === undefined ? ttlMs : Math.min(ttlMs, times.retryMaxMs)))
  })
}
