import type { BindTarget } from './endpoint.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'
import { listedVersions, TLS_OFF, type TlsMode } from './tls-mode.js'

/** Checks listeners with `protocol = UDP`, which require children of another program: ours relay streams only. */

const NEEDS_OTHERS =
  "'protocol = UDP' requires children of another program: tcprelay relays TCP and SCTP only"
const NEEDS_OTHERS_HINT =
  "add 'spawn { exec = PROGRAM }' with a program that handles datagrams, and remove 'single process'"

interface Given {
  readonly protocol: string
  readonly tls: TlsMode | undefined
}

/** Why a `listen` block is invalid with regard to datagrams. `target`: where it binds. */
export function datagramProblem({ protocol, tls = TLS_OFF }: Given, target: BindTarget): string | undefined {
  const listed = listedVersions(tls)?.join()
  if (protocol !== 'UDP') {
    return tls.dtlsVersions === undefined ? undefined : `'tls = ${listed}' requires 'protocol = UDP'`
  }
  if (target.kind === 'address' && target.address.family === 'unix') {
    return "'protocol = UDP' requires an IP address, not a Unix socket"
  }
  if (target.kind === 'inherited') {
    return "'protocol = UDP' requires a port: sockets inherited from systemd or inetd must be stream sockets"
  }
  if (tls.kind === 'pass') return "'tls = pass' cannot be used with 'protocol = UDP': it requires a stream"
  const isTls = listed !== undefined && tls.dtlsVersions === undefined
  return isTls ? `'tls = ${listed}' cannot be used with 'protocol = UDP': use DTLS versions` : undefined
}

/** Errors for UDP listeners in a configuration where this program would have to relay the datagrams itself. */
export function ownDatagramProblems({
  listeners,
}: Pick<SpawndSettings, 'listeners'>): readonly ConfigProblem[] {
  return listeners.flatMap(({ position, protocol }) => {
    if (protocol !== 'UDP') return []
    return [{ severity: 'error' as const, position, message: NEEDS_OTHERS, hint: NEEDS_OTHERS_HINT }]
  })
}

/** Whether the configuration has children of another program; the option -1 overrides it. */
export function hasOtherChildren({ singleProcess, spawn }: SpawndSettings): boolean {
  return spawn.exec !== undefined && !singleProcess
}

export function checkDatagrams(spawnd: SpawndSettings, problems: Problems): void {
  if (hasOtherChildren(spawnd)) return
  for (const problem of ownDatagramProblems(spawnd)) problems.add(problem)
}
