/** The manifests of deploy/kubernetes are YAML, and agree with each other and with the configuration that they contain. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileOfProject } from '../harness/program.js'

const FOLDER = 'deploy/kubernetes'

const TO_JSON =
  'import json, sys, yaml; json.dump([d for f in sys.argv[1:] for d in yaml.safe_load_all(open(f))], sys.stdout)'

interface Labels {
  readonly 'app.kubernetes.io/name'?: string
}

interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly readinessProbe?: { readonly tcpSocket: { readonly port: string } }
  readonly livenessProbe?: {
    readonly exec: { readonly command: readonly string[] }
    readonly timeoutSeconds: number
  }
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  readonly volumeMounts: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
  }[]
}

interface Manifests {
  readonly ConfigMap: {
    readonly metadata: { readonly name: string }
    readonly data: Readonly<Record<string, string>>
  }
  readonly Deployment: {
    readonly spec: {
      readonly selector: { readonly matchLabels: Labels }
      readonly template: {
        readonly metadata: { readonly labels: Labels }
        readonly spec: {
          readonly terminationGracePeriodSeconds: number
          readonly shareProcessNamespace: boolean
          readonly containers: readonly Container[]
          readonly volumes: readonly {
            readonly name: string
            readonly configMap?: { readonly name: string }
          }[]
        }
      }
    }
  }
  readonly Service: {
    readonly spec: {
      readonly externalTrafficPolicy: string
      readonly selector: Labels
      readonly ports: readonly { readonly port: number; readonly targetPort: string }[]
    }
  }
  readonly PodDisruptionBudget: { readonly spec: { readonly selector: { readonly matchLabels: Labels } } }
}

const HAS_YAML = spawnSync('python3', ['-c', 'import yaml']).status === 0

const NO_YAML = 'not installed: python3 with its module yaml'

/** By kind; undefined where Python cannot read YAML: the project itself has no use for a parser. */
const all = HAS_YAML ? manifests() : undefined

function manifests(): Manifests {
  const files = readdirSync(fileOfProject(FOLDER)).map((name) => fileOfProject(`${FOLDER}/${name}`))
  const { status, stderr, stdout } = spawnSync('python3', ['-c', TO_JSON, ...files], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const documents: { kind: string }[] = JSON.parse(stdout)
  const kinds = documents.map(({ kind }) => kind).sort()
  assert.deepEqual(kinds, ['ConfigMap', 'Deployment', 'PodDisruptionBudget', 'Service'])
  return Object.fromEntries(documents.map((document) => [document.kind, document])) as unknown as Manifests
}

function testManifests(name: string, check: (all: Manifests) => void): void {
  test(name, (t) => {
    if (all !== undefined) check(all)
    else if (process.env.TCPRELAY_REQUIRE_PEERS) assert.fail(NO_YAML)
    else t.skip(NO_YAML)
  })
}

function containerOf({ Deployment }: Manifests, name: string): Container {
  const found = Deployment.spec.template.spec.containers.find((container) => container.name === name)
  assert.ok(found, name)
  return found
}

/** The names and ports of the listeners. */
function listenersOf({ ConfigMap }: Manifests): Map<string, number> {
  const text = Object.values(ConfigMap.data).join('\n')
  return new Map(
    [...text.matchAll(/name = (\w+)\s+port = (\d+)/g)].map(([, name = '', port]) => [name, Number(port)]),
  )
}

testManifests('selectors match the labels of the pods', (all) => {
  const { labels } = all.Deployment.spec.template.metadata
  const { selector } = all.Service.spec
  for (const one of [
    selector,
    all.Deployment.spec.selector.matchLabels,
    all.PodDisruptionBudget.spec.selector.matchLabels,
  ])
    assert.deepEqual(one, labels)
})

testManifests('ports are those of the listeners', (all) => {
  const listeners = listenersOf(all)
  const { livenessProbe, ports = [], readinessProbe } = containerOf(all, 'tcprelay')
  assert.deepEqual(new Map(ports.map(({ containerPort, name }) => [name, containerPort])), listeners)
  // Without a capability.
  for (const port of listeners.values()) assert.ok(port >= 1_024)
  assert.equal(readinessProbe?.tcpSocket.port, 'check')
  assert.match(
    livenessProbe?.exec.command.at(-1) ?? '',
    new RegExp(`/127\\.0\\.0\\.1/${listeners.get('check')} `),
  )
  assert.ok(Number(livenessProbe?.exec.command[1]) < (livenessProbe?.timeoutSeconds ?? 0))
  for (const { port, targetPort } of all.Service.spec.ports) assert.equal(listeners.get(targetPort), port)
  assert.equal(all.Service.spec.externalTrafficPolicy, 'Local', 'relays see the addresses of clients')
})

testManifests('paths are those of the mounted volumes', (all) => {
  const { volumes } = all.Deployment.spec.template.spec
  const [relay, reload] = [containerOf(all, 'tcprelay'), containerOf(all, 'reload')]
  assert.deepEqual(reload.volumeMounts, relay.volumeMounts)
  const pathOf = (volume: string) => relay.volumeMounts.find(({ name }) => name === volume)?.mountPath
  assert.deepEqual(
    volumes.map(({ name }) => name),
    relay.volumeMounts.map(({ name }) => name),
  )
  for (const { subPath } of relay.volumeMounts) assert.equal(subPath, undefined, 'a subPath is never updated')
  const [key] = Object.keys(all.ConfigMap.data)
  const [option, pidfile, file] = relay.args
  assert.deepEqual([option, file], ['-p', `${pathOf('configuration')}/${key}`])
  assert.ok(pidfile?.startsWith(`${pathOf('run')}/`))
  const [script = ''] = reload.args
  for (const path of [pidfile, file, `${pathOf('configuration')}/..data`])
    assert.ok(script.includes(`${path}`), path)
  assert.equal(
    volumes.find(({ name }) => name === 'configuration')?.configMap?.name,
    all.ConfigMap.metadata.name,
  )
  assert.ok(all.Deployment.spec.template.spec.shareProcessNamespace, 'or there is no process to signal')
})

testManifests('sessions have their grace period before the kubelet kills', (all) => {
  const grace = Number(/grace period = (\d+)/.exec(Object.values(all.ConfigMap.data).join())?.[1])
  const pause = Number(containerOf(all, 'tcprelay').lifecycle?.preStop.exec.command.at(-1))
  assert.ok(grace > 0 && pause > 0)
  assert.ok(all.Deployment.spec.template.spec.terminationGracePeriodSeconds > grace + pause)
})

test('each file begins with a comment that says what it is', () => {
  for (const name of readdirSync(fileOfProject(FOLDER)))
    assert.match(readFileSync(fileOfProject(`${FOLDER}/${name}`), 'utf8'), /^# [A-Z]/, name)
})
