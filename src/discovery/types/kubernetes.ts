/**
 * The source `kubernetes`: the ready endpoints of a service, by list and watch of its EndpointSlices with the rules of
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes.
 */
import type { KubernetesPlan } from '../discover-plan.js'
import { HttpFailure } from '../http/json-http.js'
import { isObject, listAt, objectAt, shownValue, textAt } from '../json-fields.js'
import { EndpointSlices } from '../kubernetes/endpoint-slices.js'
import { IN_POD, KubernetesApi, type PodSurroundings } from '../kubernetes/kubernetes-api.js'
import { Expired, listAndWatch, type WatchEvents, type WatchedState } from '../list-and-watch.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

/** After this time the server ends a watch, and it is resumed. */
const WATCH_SECONDS = '300'
const GONE = 410

export function openKubernetes(
  plan: KubernetesPlan,
  events: SourceEvents,
  times: SourceTimes = SOURCE_TIMES,
  surroundings: PodSurroundings = IN_POD,
): Source {
  return listAndWatch(new ServiceState(plan, surroundings), events, plan, times)
}

class ServiceState implements WatchedState {
  readonly #api: KubernetesApi
  readonly #slices: EndpointSlices
  readonly #selector: string
  /** Opaque: it is only sent back. */
  #version = ''

  constructor(plan: KubernetesPlan, surroundings: PodSurroundings) {
    this.#api = new KubernetesApi(plan, surroundings)
    this.#slices = new EndpointSlices(plan.port)
    this.#selector = `kubernetes.io/service-name=${plan.service}`
  }

  members(): readonly FoundMember[] {
    return this.#slices.members()
  }

  async read(signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ labelSelector: this.#selector })
    const { items, kind, metadata } = objectAt(await this.#api.list(query, signal), 'the answer')
    if (kind !== 'EndpointSliceList')
      throw new SourceFailure(`an answer of the kind ${shownValue(kind)} instead of EndpointSliceList`)
    const version = versionOf(metadata)
    this.#slices.replace(listAt(items, 'items'))
    this.#version = version
  }

  async watch(signal: AbortSignal, events: WatchEvents): Promise<void> {
    const query = new URLSearchParams({
      labelSelector: this.#selector,
      watch: '1',
      resourceVersion: this.#version,
      allowWatchBookmarks: 'true',
      timeoutSeconds: WATCH_SECONDS,
    })
    try {
      await this.#api.watch(
        query,
        signal,
        (value) => this.#received(value, events),
        () => events.onOpen(),
      )
    } catch (error) {
      if (error instanceof HttpFailure && error.status === GONE) throw new Expired(error.message)
      throw error
    }
  }

  #received(value: unknown, events: WatchEvents): void {
    const { object, type } = objectAt(value, 'an event')
    if (type === 'ERROR') throw failureOf(object)
    const { metadata } = objectAt(object, 'object')
    const version = versionOf(metadata)
    if (type === 'ADDED' || type === 'MODIFIED') this.#slices.put(object)
    else if (type === 'DELETED') this.#slices.delete(object)
    else if (type !== 'BOOKMARK') throw new SourceFailure(`an event of the unknown type ${shownValue(type)}`)
    this.#version = version
    if (type !== 'BOOKMARK') events.onChange()
  }
}

function versionOf(metadata: unknown): string {
  const version = textAt(objectAt(metadata, 'metadata').resourceVersion, 'metadata.resourceVersion')
  if (version === '') throw new SourceFailure('metadata.resourceVersion is empty')
  return version
}

/** Of an event with a `Status`. */
function failureOf(object: unknown): SourceFailure {
  const { code, message } = isObject(object) ? object : {}
  const text = `the watch failed: ${shownValue(message)}`
  return code === GONE ? new Expired(text) : new SourceFailure(text)
}
