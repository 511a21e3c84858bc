/** Where the API of Kubernetes is, and who asks: as configured, or as a pod finds it with its service account. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path/posix'
import { printable } from '../../observe/log.js'
import type { KubernetesPlan } from '../discover-plan.js'
import { errorReason } from '../error-reason.js'
import { JsonHttp, type JsonRequest } from '../http/json-http.js'
import { readSecret } from '../http/server-files.js'
import { SourceFailure } from '../source-failure.js'

/** What Kubernetes gives to each pod. Other ones only in tests. */
export interface PodSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Has the files `token`, `ca.crt` and `namespace`. */
  readonly accountFolder: string
}

export const IN_POD: PodSurroundings = {
  environment: process.env,
  accountFolder: '/var/run/secrets/kubernetes.io/serviceaccount',
}

export class KubernetesApi {
  readonly #plan: KubernetesPlan
  readonly #surroundings: PodSurroundings
  readonly #http: JsonHttp

  constructor(plan: KubernetesPlan, surroundings: PodSurroundings) {
    this.#plan = plan
    this.#surroundings = surroundings
    const isOwnCluster = plan.url === undefined
    const caFile = plan.caFile ?? (isOwnCluster ? join(surroundings.accountFolder, 'ca.crt') : undefined)
    this.#http = new JsonHttp({ ...plan, caFile })
  }

  async list(query: URLSearchParams, signal: AbortSignal): Promise<unknown> {
    return (await this.#http.ask(await this.#request(query), signal)).value
  }

  async watch(
    query: URLSearchParams,
    signal: AbortSignal,
    onValue: (value: unknown) => void,
    onOpen: () => void,
  ): Promise<void> {
    await this.#http.follow(await this.#request(query), signal, onValue, onOpen)
  }

  async #request(query: URLSearchParams): Promise<JsonRequest> {
    const base = this.#plan.url ?? this.#ownUrl()
    const namespace = this.#plan.namespace ?? (await this.#ownNamespace())
    // The kubelet replaces the token before it expires: it is read for each request.
    const file =
      this.#plan.tokenFile ?? (this.#plan.url === undefined ? this.#accountFile('token') : undefined)
    const token = file === undefined ? undefined : await readSecret(file)
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`
    return {
      url: `${base}${path}?${query}`,
      ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` }, secrets: [token] }),
    }
  }

  #ownUrl(): string {
    const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } =
      this.#surroundings.environment
    if (host === '' || port === '')
      throw new SourceFailure("no 'url', and no KUBERNETES_SERVICE_HOST and _PORT in the environment")
    return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  async #ownNamespace(): Promise<string> {
    const file = this.#accountFile('namespace')
    try {
      return (await readFile(file, 'utf8')).trim()
    } catch (error) {
      throw new SourceFailure(`no 'namespace', and cannot read ${printable(file)}: ${errorReason(error)}`)
    }
  }

  #accountFile(name: string): string {
    return join(this.#surroundings.accountFolder, name)
  }
}
