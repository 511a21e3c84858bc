import type { BindTarget } from './endpoint.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import { listedVersions, TLS_OFF, type TlsMode } from './tls-mode.js'

/** What is checked of listeners with `protocol = UDP`, whose datagrams only children of another program understand. */

const NEEDS_OTHERS = "'protocol = UDP' needs children of another program: tcprelay relays TCP and SCTP"
const NEEDS_OTHERS_HINT =
  "give 'spawn { exec = PROGRAM }' with a program that takes datagrams, and no 'single process'"

interface Given {
  readonly protocol: string
  readonly tls: TlsMode | undefined
}

/** Why a `listen` block cannot be used, as far as datagrams are concerned. `target`: where it is bound. */
export function datagramProblem({ protocol, tls = TLS_OFF }: Given, target: BindTarget): string | undefined {
  const listed = listedVersions(tls)?.join()
  if (protocol !== 'UDP') {
    return tls.dtlsVersions === undefined ? undefined : `'tls = ${listed}' needs 'protocol = UDP'`
  }
  if (target.kind === 'address' && target.address.family === 'unix') {
    return "'protocol = UDP' is for addresses of a network, not for Unix sockets"
  }
  if (target.kind === 'inherited') {
    return "'protocol = UDP' needs a port: sockets that systemd or inetd hand over are for streams here"
  }
  if (tls.kind === 'pass') return "'tls = pass' does not go with 'protocol = UDP': it is for streams"
  const isTls = listed !== undefined && tls.dtlsVersions === undefined
  return isTls ? `'tls = ${listed}' does not go with 'protocol = UDP', which has DTLS` : undefined
}

/** Why this program cannot serve listeners with UDP, where it would have to take the datagrams itself. */
export function ownDatagramProblems({
  listeners,
}: Pick<SpawndSettings, 'listeners'>): readonly ConfigProblem[] {
  return listeners.flatMap(({ position, protocol }) => {
    if (protocol !== 'UDP') return []
    return [{ severity: 'error' as const, position, message: NEEDS_OTHERS, hint: NEEDS_OTHERS_HINT }]
  })
}

/** Whether the configuration has children of another program; the option -1 may say otherwise. */
export function hasOtherChildren({ singleProcess, spawn }: SpawndSettings): boolean {
  return spawn.exec !== undefined && !singleProcess
}

export function checkDatagrams(spawnd: SpawndSettings, problems: Problems): void {
  if (hasOtherChildren(spawnd)) return
  for (const problem of ownDatagramProblems(spawnd)) problems.add(problem)
}
