/** A `remote` MAVIS module under test, and queries to it. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { AV } from '../../src/base/mavis-attributes.js'
import type { Code, Query } from '../../src/mavis/module.js'
import { Remote } from '../../src/mavis/remote.js'
import type { MavisServer, RemoteModuleSettings } from '../../src/mavis/settings.js'
import { Boundary } from '../../src/observe/boundary.js'
import { afterwards } from '../harness/clean-up.js'

/** Longer than any test that passes, so that queries only time out in tests that set a shorter time. */
const LONG_MS = 60_000

export interface RemoteOptions extends Partial<RemoteModuleSettings> {
  readonly mavisTimeoutMs?: number
  /** Called with each log line. */
  readonly onSaid?: (text: string) => void
}

export interface Answered {
  readonly code: Code
  readonly values: Query['values']
  readonly result: string | undefined
  readonly comment: string | undefined
}

/** Closed with the test. Each query may be answered once. */
export class RemoteAsker {
  readonly remote: Remote
  readonly said: string[] = []
  #serial = 0

  constructor(t: TestContext, servers: readonly MavisServer[], options: RemoteOptions = {}) {
    const { mavisTimeoutMs = LONG_MS, onSaid, ...settings } = options
    this.remote = new Remote(
      {
        module: 'remote',
        name: '0',
        position: { file: 'my.cfg', line: 1, column: 1 },
        onError: 'reject',
        onNotFound: 'continue',
        scriptIn: undefined,
        scriptInterim: undefined,
        scriptOut: undefined,
        servers,
        localAddress: undefined,
        timeoutMs: LONG_MS,
        tries: 6,
        rebalance: 0,
        ...settings,
      },
      {
        say: (_, text) => {
          this.said.push(text)
          onSaid?.(text)
        },
        boundary: new Boundary(
          (_, text) => this.said.push(text),
          () => performance.now(),
        ),
        nowMs: () => performance.now(),
        timeoutMs: mavisTimeoutMs,
      },
    )
    afterwards(t, () => this.remote.close())
  }

  query(user: string): Query {
    const serial = `serial ${++this.#serial}`
    const values: Query['values'] = []
    values[AV.TYPE] = 'TACPLUS'
    values[AV.USER] = user
    values[AV.SERIAL] = serial
    values[AV.TACTYPE] = 'HOST'
    return { values, serial }
  }

  /** Resolves with the answer; a second answer fails the test. */
  answerTo(query: Query): Promise<Answered> {
    let count = 0
    return new Promise((settle) => {
      this.remote.ask(query, (code) => {
        assert.equal(++count, 1, 'a question is answered once')
        const { values } = query
        settle({ code, values, result: values[AV.RESULT], comment: values[AV.COMMENT] })
      })
    })
  }

  ask(user: string): Promise<Answered> {
    return this.answerTo(this.query(user))
  }
}
