import assert from 'node:assert/strict'
import { test } from 'node:test'
import { common, FakeServices, PLAIN_GROUPS } from '../../test/support/mavis.js'
import { Auth } from './auth.js'
import { Cache } from './cache.js'
import { ErrorModule } from './error.js'
import { Groups } from './groups.js'
import { Limit } from './limit.js'
import { Log } from './log.js'
import { Null } from './null.js'
import { openModule } from './open-module.js'
import type { ModuleSettings } from './settings.js'
import { Tee } from './tee.js'

const TEE = { pathIn: undefined, pathOut: undefined, mode: 0o600, uid: undefined, gid: undefined }

const CASES: readonly (readonly [kind: new (...given: never[]) => object, settings: ModuleSettings])[] = [
  [Auth, { ...common('a'), module: 'auth', mode: 'password' }],
  [Cache, { ...common('a'), module: 'cache', expireMs: new Map(), purgePeriodMs: 1 }],
  [ErrorModule, { ...common('a'), module: 'error', file: undefined, threshold: 1 }],
  [Groups, { ...common('a'), ...PLAIN_GROUPS }],
  [Limit, { ...common('a'), module: 'limit', count: 1, timeMs: 1, purgePeriodMs: 1 }],
  [Log, { ...common('a'), module: 'log' }],
  [Null, { ...common('a'), module: 'null' }],
  [Tee, { ...common('a'), module: 'tee', ...TEE }],
]

for (const [kind, settings] of CASES) {
  test(`creates module ${settings.module} by its name`, async () => {
    const module = openModule(settings, new FakeServices())
    assert.ok(module instanceof kind)
    await module.close?.()
  })
}
