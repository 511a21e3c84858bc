import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Launch } from '../system/launch.js'
import { commitOfProject, PROJECT_DIR } from '../system/machine.js'
import type { ProxyWork } from '../workloads/workload.js'
import { PRODUCTION_WORKLOADS, type Presence, type Relay, type RelaySite } from './relay.js'

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

/** Each name has its route and its pool. */
function byName(site: RelaySite, names: readonly string[], processes: string): string {
  const remote = `remote = { address = ${site.remoteHost} port = ${site.remotePort} }`
  return `id = spawnd {
  ${processes}
  listen = { address = 127.0.0.1 port = ${site.listenPort} tls = pass }
}
id = tcprelay {
${names.map((_, i) => `  pool = pool${i} { ${remote} }\n`).join('')}${names
  .map((name, i) => `  route = { server name = ${name} pool = pool${i} }\n`)
  .join('')}}
`
}

const SEND_PROXY: Readonly<Record<ProxyWork, string>> = {
  accept: '',
  'send v1': ' send proxy = v1',
  'send v2': ' send proxy = v2',
}

function configuration(site: RelaySite, processes: string, more = ''): string {
  const { proxy } = site
  const tls = site.certificate === undefined ? '' : ' tls = TLSv1.3'
  const acceptProxy = proxy === 'accept' ? ' proxy protocol = yes proxy from = 127.0.0.0/8' : ''
  const sendProxy = proxy === undefined ? '' : SEND_PROXY[proxy]
  if (site.serverNames !== undefined) return byName(site, site.serverNames, processes)
  return `id = spawnd {
  ${processes}
  listen = { address = 127.0.0.1 port = ${site.listenPort}${tls}${acceptProxy} }
}
id = tcprelay {
  remote = { address = ${site.remoteHost} port = ${site.remotePort}${sendProxy} }${certificateLines(site)}${more}
}
`
}

function launch(text: string): Launch {
  return { command: process.execPath, args: [PROGRAM, 'relay.cfg'], files: { 'relay.cfg': text } }
}

export const tcprelay: Relay = {
  name: 'tcprelay',
  setting: 'single process',
  isOurs: true,
  choosesByName: true,
  proxies: ['accept', 'send v1', 'send v2'],
  detect,
  launch: (site) => launch(configuration(site, 'single process = yes')),
}

/** As in production; counters cannot be switched off, so both have them. */
const PRODUCTION = `
  access log = access.log
  connect timeout = 5s
  idle timeout = 60s
  half-close timeout = 60s`

export const tcprelayProduction: Relay = {
  name: 'tcprelay-production',
  setting: 'as tcprelay, with an access log (a file), idle and half-close timeouts of a minute',
  workloads: PRODUCTION_WORKLOADS,
  bare: 'tcprelay',
  isOurs: true,
  detect,
  launch: (site) => launch(configuration(site, 'single process = yes', PRODUCTION)),
}

/** The cost of a question and its answer between the threads, without a helper: only when it is named. */
export const tcprelayMavis: Relay = {
  name: 'tcprelay-mavis',
  setting: 'as tcprelay, and a script of MAVIS lets every client in',
  workloads: [],
  isOurs: true,
  detect,
  launch: (site) => launch(configuration(site, 'single process = yes', MAVIS)),
}

const MAVIS = `
  mavis authorization = host
  mavis module = null { script in { set $RESULT = ACK return } }`

/** The same with children, for the cost of the handover: only when it is named. */
function withChildren(accept: 'broker' | 'direct', children: number, isOnBothCores: boolean): Relay {
  const spawn = `accept = ${accept} instances min = ${children} instances max = ${children} users min = 1`
  return {
    name: `tcprelay-${accept}-${children}${isOnBothCores ? '-cores' : ''}`,
    setting: `${children} children, ${accept}, ${isOnBothCores ? 'both cores' : 'one core'}`,
    workloads: [],
    isOnBothCores,
    isOurs: true,
    detect,
    launch: (site) => launch(configuration(site, `single process = no\n  spawn = { ${spawn} }`)),
  }
}

export const tcprelayWithChildren: readonly Relay[] = (['broker', 'direct'] as const).flatMap((accept) => [
  withChildren(accept, 1, false),
  withChildren(accept, 2, false),
  withChildren(accept, 2, true),
])
