/** Asks the name servers in turn until one answers. */
import { randomInt } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { formatAddress, type HostAddress } from '../../base/address.js'
import type { DnsClientPlan } from '../discover-plan.js'
import { errorReason } from '../error-reason.js'
import { DnsFailure } from './dns-failure.js'
import type { ExchangeLimits } from './exchange.js'
import { type DnsRecord, type DnsResponse, FORMERR, NOERROR, NXDOMAIN, type Question } from './message.js'
import { systemServers } from './servers.js'
import { askOverTcp } from './tcp.js'
import { askOverUdp } from './udp.js'

const ID_END = 2 ** 16

const CODE_NAMES: Readonly<Record<number, string>> = {
  [FORMERR]: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
}

/** Answers one question: NOERROR or NXDOMAIN, of a server that may say so. Rejects with a `DnsFailure`. */
export type Ask = (question: Question) => Promise<DnsResponse>

/** For one round of lookups: its servers are those of the system now. */
export async function openClient(plan: DnsClientPlan, signal: AbortSignal): Promise<Ask> {
  // Each query listens to it, and some run at a time.
  setMaxListeners(0, signal)
  const servers = plan.servers.length > 0 ? plan.servers : await systemServers()
  return (question) => askServers(servers, question, { ...plan, signal })
}

type Limits = ExchangeLimits & Pick<DnsClientPlan, 'tries'>

async function askServers(
  servers: readonly HostAddress[],
  question: Question,
  limits: Limits,
): Promise<DnsResponse> {
  /** By server: that of the last try. */
  const reasons = new Map<HostAddress, string>()
  for (let left = limits.tries; left > 0; left--) {
    for (const server of servers) {
      try {
        return await askServer(server, question, limits)
      } catch (error) {
        limits.signal.throwIfAborted()
        reasons.set(server, error instanceof DnsFailure ? error.message : errorReason(error))
      }
    }
  }
  const texts = [...reasons].map(([server, reason]) => `${formatAddress(server)}: ${reason}`)
  throw new DnsFailure(texts.join('; '))
}

async function askServer(
  server: HostAddress,
  question: Question,
  limits: ExchangeLimits,
): Promise<DnsResponse> {
  const response = await exchangeWith(server, question, limits, true)
  // From a server without EDNS (RFC 6891, section 7).
  const accepted = response.code === FORMERR ? await exchangeWith(server, question, limits, false) : response
  const problem = problemOf(accepted)
  if (problem !== undefined) throw new DnsFailure(problem)
  return accepted
}

async function exchangeWith(
  server: HostAddress,
  question: Question,
  limits: ExchangeLimits,
  isExtended: boolean,
): Promise<DnsResponse> {
  const query = { id: randomInt(ID_END), question, isExtended }
  const response = await askOverUdp(server, query, limits)
  return response.isTruncated ? askOverTcp(server, { ...query, id: randomInt(ID_END) }, limits) : response
}

/** Why a response is none of NOERROR and NXDOMAIN, or cannot be believed when it denies a name or its records. */
function problemOf({
  answers,
  authorities,
  code,
  isAuthoritative,
  isRecursive,
}: DnsResponse): string | undefined {
  if (code !== NOERROR && code !== NXDOMAIN) return CODE_NAMES[code] ?? `response code ${code}`
  if (answers.length > 0 || isAuthoritative) return undefined
  if (!isRecursive) return 'neither authoritative nor recursive'
  // RFC 2308, section 2.2: without SOA, NS records are those of other servers.
  const isReferral = code === NOERROR && has('NS', authorities) && !has('SOA', authorities)
  return isReferral ? 'only a referral to other servers' : undefined
}

function has(type: DnsRecord['type'], records: readonly DnsRecord[]): boolean {
  return records.some((record) => record.type === type)
}
