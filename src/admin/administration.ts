/** The servers of a head for administrators: one for each `admin` block of the configuration in force. */
import { placeText } from '../config/check-admin.js'
import type { AdminPlace } from '../config/table-admin.js'
import type { Administration, RunningHead } from '../control/head.js'
import { INFO, WARNING } from '../observe/severity.js'
import { AdminServer } from './http/server.js'
import { MetricText } from './metrics/metric-text.js'
import { ProcessMetrics } from './metrics/process-metrics.js'
import { addRelayMetrics } from './metrics/relay-metrics.js'

/** A place that cannot be opened, because another process has it for example, is tried again. */
const RETRY_MS = 1_000

interface Opened {
  readonly server: AdminServer
  /** Its first failure is logged. */
  hasFailed: boolean
  isClosed: boolean
  timer: NodeJS.Timeout | undefined
}

export class AdminServers implements Administration {
  readonly #head: RunningHead
  readonly #process = new ProcessMetrics()
  /** By the identity of the place. */
  readonly #servers = new Map<string, Opened>()

  constructor(head: RunningHead) {
    this.#head = head
  }

  follow(places: readonly AdminPlace[]): void {
    const wanted = new Map(places.map((place) => [identityOf(place), place]))
    for (const [identity, opened] of this.#servers) if (!wanted.has(identity)) this.#close(identity, opened)
    for (const [identity, place] of wanted) {
      const opened = this.#servers.get(identity)
      if (opened === undefined) this.#open(identity, place)
      else opened.server.follow(place)
    }
  }

  close(): void {
    for (const [identity, opened] of this.#servers) this.#close(identity, opened)
    this.#process.close()
  }

  #open(identity: string, place: AdminPlace): void {
    const server = new AdminServer(place, { head: this.#head, metrics: () => this.#metrics() })
    const opened: Opened = { server, hasFailed: false, isClosed: false, timer: undefined }
    this.#servers.set(identity, opened)
    this.#listen(place, opened)
  }

  #listen(place: AdminPlace, opened: Opened): void {
    opened.server.open().then(
      (name) => this.#head.say(INFO, `administration at ${name}`),
      (error) => this.#failed(place, opened, error),
    )
  }

  #failed(place: AdminPlace, opened: Opened, error: unknown): void {
    if (opened.isClosed) return
    const why = error instanceof Error ? error.message : error
    if (!opened.hasFailed)
      this.#head.say(
        WARNING,
        `no administration at ${placeText(place)}, it is tried again every second: ${why}`,
      )
    opened.hasFailed = true
    opened.timer = setTimeout(() => this.#listen(place, opened), RETRY_MS).unref()
  }

  #close(identity: string, opened: Opened): void {
    opened.isClosed = true
    clearTimeout(opened.timer)
    this.#servers.delete(identity)
    void opened.server.close()
  }

  #metrics(): string {
    const text = new MetricText()
    addRelayMetrics(text, this.#head)
    this.#process.addTo(text, this.#head)
    return text.end()
  }
}

/** Of the socket: other settings can change while it is open. */
function identityOf(place: AdminPlace): string {
  return place.kind === 'unix'
    ? JSON.stringify([place.path, place.mode, place.gid])
    : JSON.stringify([place.host, place.port])
}
