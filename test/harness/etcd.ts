import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { HttpFailure, JsonHttp } from '../../src/discovery/http/json-http.js'
import { temporaryFolder } from './clean-up.js'
import { freePorts } from './free-ports.js'
import { Program } from './program.js'
import { until } from './until.js'

const base64 = (text: string) => Buffer.from(text).toString('base64')

interface Changed {
  readonly header: { readonly revision: string }
  readonly deleted?: string
}

/** A real etcd with one member, in a folder of its own. */
export class Etcd {
  readonly port: number
  readonly #t: TestContext
  readonly #folder: string
  readonly #http = new JsonHttp({
    timeoutMs: 10_000,
    caFile: undefined,
    certFile: undefined,
    keyFile: undefined,
  })
  #program: Program | undefined

  private constructor(t: TestContext, port: number) {
    this.#t = t
    this.#folder = join(temporaryFolder(t), 'data')
    this.port = port
  }

  static async start(t: TestContext): Promise<Etcd> {
    const etcd = new Etcd(t, await freePorts(2, '127.0.0.1'))
    await etcd.start()
    return etcd
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Also again, with the same data. */
  async start(): Promise<void> {
    const peer = `http://127.0.0.1:${this.port + 1}`
    const program = new Program(this.#t, [
      'etcd',
      `--name=a`,
      `--data-dir=${this.#folder}`,
      `--listen-client-urls=${this.url}`,
      `--advertise-client-urls=${this.url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=a=${peer}`,
      // The first election is not waited for.
      '--heartbeat-interval=10',
      '--election-timeout=100',
    ])
    this.#program = program
    await until('etcd to answer', async () => {
      if (program.hasEnded) throw new Error(`etcd has ended: ${program.stderr.text}`)
      return this.call('/v3/kv/range', { key: base64('x') }).then(
        () => true,
        // Without a user, if there are some.
        (error) => error instanceof HttpFailure && error.status === 400,
      )
    })
  }

  async stop(): Promise<void> {
    this.#program?.signal('SIGTERM')
    await this.#program?.ended()
  }

  async call(path: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    const asked = { url: `${this.url}${path}`, body, headers }
    return (await this.#http.ask(asked, new AbortController().signal)).value
  }

  /** Returns the revision. */
  async put(key: string, value: string, lease?: string): Promise<number> {
    const id = lease === undefined ? {} : { lease }
    const put = { key: base64(key), value: base64(value), ...id }
    return Number((await this.#change('/v3/kv/put', put)).header.revision)
  }

  /** Returns the revision; undefined: there is no such key, so that nothing has changed. */
  async delete(key: string): Promise<number | undefined> {
    const { deleted, header } = await this.#change('/v3/kv/deleterange', { key: base64(key) })
    return deleted === undefined ? undefined : Number(header.revision)
  }

  /** Returns its id. Two seconds are the least that a server grants by default. */
  async lease(seconds: number): Promise<string> {
    return ((await this.call('/v3/lease/grant', { TTL: seconds })) as { ID: string }).ID
  }

  async compact(revision: number): Promise<void> {
    await this.call('/v3/kv/compaction', { revision: String(revision), physical: true })
  }

  async #change(path: string, body: unknown): Promise<Changed> {
    return (await this.call(path, body)) as Changed
  }
}
