/**
 * The source `etcd`: the keys with a prefix, each of them a member. Speaks to the JSON gateway of etcd 3.4 and later, which has
 * the messages of its gRPC: https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/.
 */
import { Buffer } from 'node:buffer'
import type { EtcdPlan } from '../discover-plan.js'
import { EtcdClient } from '../etcd/etcd-client.js'
import { EtcdKeys } from '../etcd/etcd-keys.js'
import { bigNumberAt, isObject, type JsonObject, listAt, objectAt, shownValue } from '../json-fields.js'
import { Expired, listAndWatch, type WatchEvents, type WatchedState } from '../list-and-watch.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

export function openEtcd(plan: EtcdPlan, events: SourceEvents, times: SourceTimes = SOURCE_TIMES): Source {
  return listAndWatch(new EtcdState(plan), events, plan, times)
}

class EtcdState implements WatchedState {
  readonly #client: EtcdClient
  readonly #keys: EtcdKeys
  /** The range of keys, as both requests have it. */
  readonly #range: { readonly key: string; readonly range_end: string }
  /** All changes up to this one are in the state. */
  #revision = 0n
  #cluster: unknown

  constructor(plan: EtcdPlan) {
    this.#client = new EtcdClient(plan)
    this.#keys = new EtcdKeys(plan.prefix)
    const bytes = Buffer.from(plan.prefix)
    this.#range = { key: bytes.toString('base64'), range_end: endOfPrefix(bytes).toString('base64') }
  }

  members(): readonly FoundMember[] {
    return this.#keys.members
  }

  get lack(): string | undefined {
    return this.#keys.lack
  }

  async read(signal: AbortSignal): Promise<void> {
    // Linearizable, which is the default: never older than what a watch has reported.
    const answer = objectAt(await this.#client.ask('/v3/kv/range', this.#range, signal), 'the answer')
    const { clusterId, revision } = headerOf(answer)
    if (revision === 0n) throw new SourceFailure('an answer without a revision: it is not from etcd')
    this.#keys.replace(listAt(answer.kvs, 'kvs'))
    this.#revision = revision
    this.#cluster = clusterId
  }

  async watch(signal: AbortSignal, events: WatchEvents): Promise<void> {
    const create = {
      ...this.#range,
      start_revision: String(this.#revision + 1n),
      // The revision goes on while no key of the prefix changes, so that it is not compacted away.
      progress_notify: true,
    }
    await this.#client.follow('/v3/watch', { create_request: create }, signal, (value) =>
      this.#received(value, events),
    )
    if (!signal.aborted) throw new SourceFailure('the server has ended the watch')
  }

  #received(value: unknown, watchEvents: WatchEvents): void {
    const { error, result } = objectAt(value, 'a line of the watch')
    if (error !== undefined) throw new SourceFailure(`the watch failed: ${textOf(error)}`)
    const message = objectAt(result, 'result')
    if (message.canceled === true) throw this.#canceled(message)
    const { clusterId, revision } = headerOf(message)
    if (message.created === true) {
      // Another cluster, or a restored one: changes are numbered anew, and a watch waits for ever.
      if (revision < this.#revision || clusterId !== this.#cluster)
        throw new Expired('the revision of the server has gone back')
      watchEvents.onOpen()
      return
    }
    const changes = listAt(message.events, 'events')
    for (const change of changes) {
      const made = this.#keys.apply(change)
      // Not that of the message, which may be ahead of its events.
      if (made > this.#revision) this.#revision = made
    }
    if (changes.length > 0) watchEvents.onChange()
    else if (revision > this.#revision) this.#revision = revision
  }

  #canceled(message: JsonObject): SourceFailure {
    const compacted = bigNumberAt(message.compact_revision, 'compact_revision')
    if (compacted > 0n) return new Expired(`the changes up to revision ${compacted} are compacted`)
    // A watch with a token that is not valid any more is one without permission.
    this.#client.forgetToken()
    return new SourceFailure(`the server has cancelled the watch: ${textOf(message.cancel_reason)}`)
  }
}

function headerOf({ header }: JsonObject): { readonly clusterId: unknown; readonly revision: bigint } {
  const { cluster_id: clusterId, revision } = objectAt(header, 'header')
  return { clusterId, revision: bigNumberAt(revision, 'revision') }
}

function textOf(error: unknown): string {
  return shownValue(isObject(error) ? error.message : error)
}

/** The first key behind all that begin with the prefix: its last byte that can be is one higher. */
function endOfPrefix(prefix: Buffer): Buffer {
  const last = prefix.findLastIndex((byte) => byte < 0xff)
  // A zero: all keys from the prefix on.
  if (last < 0) return Buffer.of(0)
  const end = Buffer.from(prefix.subarray(0, last + 1))
  end[last] = (end[last] ?? 0) + 1
  return end
}
