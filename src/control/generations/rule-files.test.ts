import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import { STRICT } from '../../../test/support/boundaries.js'
import { optionsFor } from '../../../test/support/head-world.js'
import { ADMITS } from '../../admission/access-table.js'
import { RuleList } from '../../admission/rule-list.js'
import type { AccessPlan } from '../../admission/rule-list-plan.js'
import { ZoneClock } from '../../admission/zone-clock.js'
import { hostBytes } from '../../base/address.js'
import { ERR, INFO } from '../../observe/severity.js'
import { type Loaded, loadFrom } from '../../plan/load/load.js'
import { RuleFiles } from './rule-files.js'

const EVERY_MS = 5

interface World {
  readonly path: string
  readonly files: RuleFiles
  readonly loaded: Loaded
  /** Severity and text, with the folder left out. */
  readonly said: (readonly [number, string])[]
  /** Rules that were put in force, with their configurations. */
  readonly tables: (readonly [Loaded, AccessPlan])[]
}

async function load(folder: string): Promise<Loaded> {
  const file = join(folder, 'relay.cfg')
  writeFileSync(
    file,
    `id = spawnd { listen { port = 1 } deny file = ${join(folder, 'list')} default = permit }
    id = tcprelay { remote { 127.0.0.1:2 } }`,
  )
  const loaded = await loadFrom(optionsFor(file))
  assert.deepEqual(loaded.problems, [])
  return loaded
}

async function world(t: TestContext, text: string): Promise<World> {
  const folder = temporaryFolder(t)
  const path = join(folder, 'list')
  writeFileSync(path, text)
  const loaded = await load(folder)
  const said: (readonly [number, string])[] = []
  const tables: (readonly [Loaded, AccessPlan])[] = []
  const files = new RuleFiles({
    say: (severity, text) => void said.push([severity, text.replaceAll(`${folder}/`, '')]),
    boundary: STRICT,
    onAccess: (of, table) => void tables.push([of, table]),
  })
  t.after(() => files.close())
  files.follow(loaded, EVERY_MS)
  return { files, loaded, path, said, tables }
}

const lines = (said: World['said'], count: number) => until(`${count} lines`, () => said.length >= count)
function admits(access: AccessPlan | undefined, host: string): boolean | undefined {
  if (access === undefined) return undefined
  const address = hostBytes(host)
  const client = { address, addressAt: 0, addressByteCount: address.length, identity: () => undefined }
  return new RuleList(access.section, new ZoneClock(), () => 0).decide(client, undefined) === ADMITS
}

test('a changed file has a new table, and one line with the number of its entries', async (t) => {
  const { files, loaded, path, said, tables } = await world(t, '192.0.2.1')
  assert.equal(files.accessOf(loaded), undefined)
  writeFileSync(path, '192.0.2.2\n10.0.0.0/8\n')
  await lines(said, 1)
  assert.deepEqual(said, [[INFO, 'access rules: list has changed: 2 entries are in force']])
  const [[of, table] = []] = tables
  assert.equal(of, loaded)
  assert.equal(files.accessOf(loaded), table)
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.2', '10.9.9.9'].map((host) => admits(table, host)),
    [true, false, false],
  )
})

test('a broken or missing file is reported once, and its entries are kept', async (t) => {
  const { path, said, tables } = await world(t, '192.0.2.1\n192.0.2.2')
  writeFileSync(path, '192.0.2.1\n  192.0.2.256\nx')
  await lines(said, 1)
  rmSync(path)
  await lines(said, 2)
  assert.equal(tables.length, 0)
  writeFileSync(`${path}.new`, '192.0.2.3')
  renameSync(`${path}.new`, path)
  await lines(said, 3)
  const wanted = "an IP address, a network in CIDR notation or a range 'FIRST - LAST'"
  assert.deepEqual(said, [
    [
      ERR,
      `access rules: list:2:3: expected ${wanted}, but got '192.0.2.256', and 1 more: the previous entries (2) stay in force`,
    ],
    [
      ERR,
      "access rules: cannot read 'list': no such file or directory: the previous entries (2) stay in force",
    ],
    [INFO, 'access rules: list has changed: 1 entry is in force'],
  ])
  assert.equal(admits(tables[0]?.[1], '192.0.2.3'), false)
})

test('another configuration has read its files itself; a further generation of the same one keeps the table', async (t) => {
  const { files, loaded, path, said } = await world(t, '192.0.2.1')
  writeFileSync(path, '')
  await lines(said, 1)
  assert.deepEqual(said, [[INFO, 'access rules: list has changed: 0 entries are in force']])
  files.follow(loaded, EVERY_MS)
  assert.equal(admits(files.accessOf(loaded), '192.0.2.1'), true)
  const next = await load(join(path, '..'))
  assert.equal(files.accessOf(next), undefined)
  files.follow(next, EVERY_MS)
  assert.equal(files.accessOf(loaded), undefined)
  assert.equal(files.accessOf(next), undefined)
})

test('a file that changed between the reading and the start of the watch is read again', async (t) => {
  const { files, loaded, path, said } = await world(t, '192.0.2.1')
  const next = await load(join(path, '..'))
  writeFileSync(path, '192.0.2.1\n192.0.2.2')
  files.follow(next, EVERY_MS)
  await lines(said, 1)
  assert.equal(files.accessOf(loaded), undefined)
  assert.equal(admits(files.accessOf(next), '192.0.2.2'), false)
})
