import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countingBoundary } from '../../../test/support/boundaries.js'
import { QUESTION } from '../../../test/support/mavis.js'
import { linuxSystem } from '../../kernel/linux-system.js'
import type { MavisSettings } from '../../mavis/settings.js'
import { Boundary } from '../../observe/boundary.js'
import type { Answer } from '../../relay/opening/questions.js'
import { MavisService } from './mavis-service.js'

/** The path is too long for a socket, so creating the module throws. */
const WRONG: MavisSettings = {
  authorization: 'host',
  fallback: 'permit',
  timeoutMs: 5_000,
  cacheTimeoutMs: 0,
  members: [],
  modules: [
    {
      module: 'remote',
      name: '0',
      position: { file: 'test.cfg', line: 1, column: 1 },
      onError: 'continue',
      onNotFound: 'continue',
      scriptIn: undefined,
      scriptInterim: undefined,
      scriptOut: undefined,
      servers: [{ target: { kind: 'unix', path: 'x'.repeat(200) }, key: undefined }],
      localAddress: undefined,
      timeoutMs: 1_000,
      tries: 1,
      rebalance: 0,
    },
  ],
}

test('denies all clients and logs once when the modules cannot be loaded', async () => {
  const lines: string[] = []
  const log = { say: (_: number, text: string) => lines.push(text) }
  const boundary = new Boundary(log.say, () => 0)
  const answers = await new Promise<readonly Answer[]>((resolve) => {
    const service = new MavisService({ log, boundary, system: linuxSystem() }, resolve)
    service.open(0, WRONG)
    service.receive({ asked: [QUESTION], withdrawn: [2] })
    service.retire(0)
    void service.closeAll()
  })
  assert.deepEqual(answers, [[1, { isPermitted: false, refusal: 'error', comment: '' }]])
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /^mavis: cannot load the modules: .*; rejecting all clients$/s)
})

test('denies only the client whose question throws', async () => {
  const { boundary } = countingBoundary()
  const log = { say() {} }
  const settings: MavisSettings = { ...WRONG, modules: [] }
  const unreadable = Object.defineProperty({ ...QUESTION, token: 1 }, 'client', {
    get() {
      throw new Error('injected')
    },
  })
  const answers = await new Promise<readonly Answer[]>((resolve) => {
    const service = new MavisService({ log, boundary, system: linuxSystem() }, resolve)
    service.open(0, settings)
    service.receive({ asked: [unreadable, { ...QUESTION, token: 2 }], withdrawn: [] })
  })
  assert.deepEqual(answers, [
    [1, { isPermitted: false, refusal: 'error', comment: '' }],
    [2, { isPermitted: true }],
  ])
  assert.equal(boundary.count, 1)
})
