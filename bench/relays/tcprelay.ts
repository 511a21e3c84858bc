import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitOfProject, PROJECT_DIR } from '../system/machine.js'
import type { Presence, Relay, RelaySite } from './relay.js'

const PROGRAM = join(PROJECT_DIR, 'bin/tcprelay.js')

function detect(): Presence {
  if (!existsSync(PROGRAM)) return { isPresent: false, remedy: `${PROGRAM} is missing` }
  const manifest: unknown = JSON.parse(readFileSync(join(PROJECT_DIR, 'package.json'), 'utf8'))
  const { version } = manifest as { version: string }
  return { isPresent: true, version: `${version} ${commitOfProject()}`.trim() }
}

function certificateLines({ certificate }: RelaySite): string {
  if (certificate === undefined) return ''
  return `
  tls cert-file = ${certificate.certificateFile}
  tls key-file = ${certificate.keyFile}`
}

function configuration(site: RelaySite, processes: string): string {
  const tls = site.certificate === undefined ? '' : ' tls = TLSv1.3'
  return `id = spawnd {
  ${processes}
  listen = { address = 127.0.0.1 port = ${site.listenPort}${tls} }
}
id = tcprelay {
  remote = { address = ${site.remoteHost} port = ${site.remotePort} }${certificateLines(site)}
}
`
}

export const tcprelay: Relay = {
  name: 'tcprelay',
  setting: 'single process',
  detect,
  launch: (site) => ({
    command: process.execPath,
    args: [PROGRAM, 'relay.cfg'],
    files: { 'relay.cfg': configuration(site, 'single process = yes') },
  }),
}

/** The same with children, for the cost of the way to them: only when it is named. */
function withChildren(accept: 'broker' | 'direct', children: number, isOnBothCores: boolean): Relay {
  const spawn = `accept = ${accept} instances min = ${children} instances max = ${children} users min = 1`
  return {
    name: `tcprelay-${accept}-${children}${isOnBothCores ? '-cores' : ''}`,
    setting: `${children} children, ${accept}, ${isOnBothCores ? 'both cores' : 'one core'}`,
    workloads: [],
    isOnBothCores,
    detect,
    launch: (site) => ({
      command: process.execPath,
      args: [PROGRAM, 'relay.cfg'],
      files: { 'relay.cfg': configuration(site, `single process = no\n  spawn = { ${spawn} }`) },
    }),
  }
}

export const tcprelayWithChildren: readonly Relay[] = (['broker', 'direct'] as const).flatMap((accept) => [
  withChildren(accept, 1, false),
  withChildren(accept, 2, false),
  withChildren(accept, 2, true),
])
