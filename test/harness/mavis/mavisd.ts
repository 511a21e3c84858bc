/** A mavisd server for tests. */
import type { TestContext } from 'node:test'
import type { MavisServer } from '../../../src/mavis/settings.js'
import { needs } from '../needs.js'
import { fileOfProject, Program } from '../program.js'
import { until } from '../until.js'

export interface MavisdOptions {
  /** Listening address, or path of a Unix socket. */
  readonly at?: string
  readonly port?: number
  readonly key?: string
  /** The behaviour for all queries, regardless of USER. */
  readonly always?: string
  /** Prints no queries. */
  readonly isQuiet?: boolean
}

/** A mavisd in Python. The first word of USER selects its behaviour: `answer`, `twice`, `never`, … */
export class Mavisd {
  readonly program: Program
  readonly #options: MavisdOptions
  #port = 0

  constructor(t: TestContext, options: MavisdOptions) {
    const { at = '127.0.0.1', port = 0, key, always, isQuiet = false } = options
    this.#options = options
    this.program = new Program(t, [
      'python3',
      fileOfProject('test/harness/mavis/mavisd.py'),
      ...(isQuiet ? ['--quiet'] : []),
      ...(key === undefined ? [] : ['--key', key]),
      ...(always === undefined ? [] : ['--always', always]),
      ...(at.startsWith('/') ? ['unix', at] : ['udp', at, `${port}`]),
    ])
  }

  get port(): number {
    return this.#port
  }

  /** Its settings for module `remote`. */
  get server(): MavisServer {
    const { at = '127.0.0.1', key } = this.#options
    return {
      target: at.startsWith('/') ? { kind: 'unix', path: at } : { kind: 'udp', host: at, port: this.#port },
      key: key === undefined ? undefined : new TextEncoder().encode(key),
    }
  }

  async starts(): Promise<void> {
    const [, port] = await this.program.stdout.reached(/^listening (\d+)$/)
    this.#port = Number(port)
  }

  /** Datagrams received about this user, or about any. */
  asked(user = '.*'): number {
    return this.program.stdout.matching(new RegExp(`^asked ${user}$`)).length
  }

  async hasBeenAsked(count: number, user?: string): Promise<void> {
    await until(`${count} datagrams, there are ${this.asked(user)}`, () => this.asked(user) >= count)
  }

  /** Makes it answer the queries that it holds back. */
  async release(): Promise<void> {
    const before = this.program.stdout.matching(/^released/).length
    this.program.signal('SIGUSR1')
    await this.program.stdout.reached(/^released/, before + 1)
  }

  async stop(): Promise<void> {
    this.program.signal('SIGKILL')
    await this.program.ended()
  }
}

/** A running server; undefined without Python. */
export async function startMavisd(t: TestContext, options: MavisdOptions = {}): Promise<Mavisd | undefined> {
  if (!needs(t, 'python3')) return undefined
  const mavisd = new Mavisd(t, options)
  await mavisd.starts()
  return mavisd
}
