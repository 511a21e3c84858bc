/** The plans of the sources that ask a server over HTTP. */
import { readFileSync } from 'node:fs'
import type { DiscoverSettings } from '../../config/table-discover.js'
import type { AskingPlan, SourcePlanOf } from '../../discovery/discover-plan.js'
import { findSystemAuthorities } from '../../tls/system-authorities.js'

const TIMEOUT_MS = 5_000
const HTTP_INTERVAL_MS = 10_000
const READ_AGAIN_MS = 60_000
const WAIT_MS = 60_000

export function httpPlan(settings: DiscoverSettings): SourcePlanOf<'http'> {
  const { headers = [], intervalMs = HTTP_INTERVAL_MS, tokenFile, url = '' } = settings
  return {
    type: 'http',
    url,
    intervalMs,
    headers: headers.map(nameAndValue),
    tokenFile,
    ...askingPlan(settings, [url]),
  }
}

export function etcdPlan(settings: DiscoverSettings): SourcePlanOf<'etcd'> {
  const { endpoints = [], intervalMs = READ_AGAIN_MS, passwordFile, prefix = '', user } = settings
  return {
    type: 'etcd',
    endpoints,
    prefix,
    user,
    passwordFile,
    intervalMs,
    ...askingPlan(settings, endpoints),
  }
}

export function consulPlan(settings: DiscoverSettings): SourcePlanOf<'consul'> {
  const { datacenter, service = '', tag, tokenFile, url = '', waitMs = WAIT_MS } = settings
  return {
    type: 'consul',
    url: withoutSlash(url),
    service,
    tag,
    datacenter,
    tokenFile,
    waitMs,
    ...askingPlan(settings, [url]),
  }
}

export function kubernetesPlan(settings: DiscoverSettings): SourcePlanOf<'kubernetes'> {
  const { intervalMs = READ_AGAIN_MS, namespace, service = '', servicePort, tokenFile, url } = settings
  return {
    type: 'kubernetes',
    url: url && withoutSlash(url),
    tokenFile,
    namespace,
    service,
    port: servicePort,
    intervalMs,
    ...askingPlan(settings, url === undefined ? [] : [url]),
  }
}

function askingPlan(settings: DiscoverSettings, urls: readonly string[]): AskingPlan {
  const { caFile, certFile, keyFile, timeoutMs = TIMEOUT_MS } = settings
  const isTls = urls.some((url) => url.startsWith('https:'))
  return { timeoutMs, caFile: caFile ?? (isTls ? systemAuthoritiesFile() : undefined), certFile, keyFile }
}

/** The same as for remotes: Node has a list of its own. */
function systemAuthoritiesFile(): string | undefined {
  const read = (path: string) => {
    try {
      return readFileSync(path)
    } catch {
      return undefined
    }
  }
  return findSystemAuthorities(read, process.env)?.path
}

/** A header line, whose form has been checked. */
function nameAndValue(line: string): readonly [string, string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
