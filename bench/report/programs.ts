import { basename } from 'node:path'
import { isMeasuredWith, type Plan } from '../plan.js'
import { certificateLaunch } from '../system/certificate.js'
import type { Launch } from '../system/launch.js'
import { PROJECT_DIR } from '../system/machine.js'

/** A program as it was started, so that it can be started again. */
export interface Program {
  readonly role: 'relay' | 'beside the relay' | 'certificate' | 'server' | 'before the relay' | 'generator'
  readonly name: string
  /** The relays and workloads that it was started for. */
  readonly workloads: readonly string[]
  readonly commandLine: string
  readonly files: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
}

/** Every measurement of a run has its own ports and folders. */
const PORTS = { listenPort: 20_001, remotePort: 20_002, frontPort: 20_003 }
const DIR = '.'
const CERTIFICATE = { certificateFile: 'certificate.pem', keyFile: 'key.pem', bothFile: 'both.pem' }

/** Every program of a run with its whole configuration; identical ones are merged. */
export function programsOf(plan: Plan, seconds: number): readonly Program[] {
  const all = [...relayPrograms(plan), ...loadPrograms(plan, seconds)]
  const byContent = new Map<string, Program>()
  for (const program of all) {
    const key = JSON.stringify({ ...program, workloads: [] })
    const workloads = [...(byContent.get(key)?.workloads ?? []), ...program.workloads]
    byContent.set(key, { ...program, workloads })
  }
  return [...byContent.values()]
}

function relayPrograms({ relays, workloads }: Plan): readonly Program[] {
  return relays.flatMap((relay) =>
    workloads.flatMap((workload) => {
      if (!isMeasuredWith(relay, workload)) return []
      const certificate = workload.tls === undefined ? undefined : CERTIFICATE
      const { connectionsMax } = workload
      const site = { ...PORTS, remoteHost: '127.0.0.1', dir: DIR, certificate, connectionsMax }
      const companion = relay.companion?.(site)
      return [
        program('relay', relay.name, workload.name, relay.launch(site)),
        ...(companion === undefined
          ? []
          : [program('beside the relay', relay.name, workload.name, companion)]),
      ]
    }),
  )
}

function loadPrograms({ workloads }: Plan, seconds: number): readonly Program[] {
  return workloads.flatMap(({ name, ...workload }) => {
    const front = workload.front?.({ port: PORTS.frontPort, relayPort: PORTS.listenPort })
    const port = front === undefined ? PORTS.listenPort : PORTS.frontPort
    return [
      program('server', '', name, workload.server({ port: PORTS.remotePort, dir: DIR })),
      ...(workload.tls === undefined
        ? []
        : [program('certificate', workload.tls, name, certificateLaunch(workload.tls))]),
      ...(front === undefined ? [] : [program('before the relay', '', name, front)]),
      program('generator', '', name, workload.generator({ port, seconds })),
    ]
  })
}

function program(role: Program['role'], name: string, workload: string, launch: Launch): Program {
  const { command, args, files = {}, environment = {} } = launch
  const words = [basename(command), ...args.map((arg) => arg.replace(PROJECT_DIR, ''))]
  return { role, name, workloads: [workload], commandLine: words.map(quoted).join(' '), files, environment }
}

/** Quoted as one word for a shell. */
function quoted(word: string): string {
  return /^[\w./:,=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
