import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { spawning, startMaster } from '../harness/master.js'
import { asUser, canBecome } from '../harness/needs.js'
import { rawPeers } from '../harness/peers.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { whole } from './transfers.js'

/** An unused user id, so that no other program uses up its limits. */
const SOMEBODY = 54_322

const PAGES_PER_MIB = 256
const BULK_BYTES = 64 * 1024 * 1024

const HOG = fileOfProject('dist/test/harness/pipe-hog.js')

/** Pages in pipes that a user without privileges may have; 0: unlimited. */
function pagesOfUser(): number {
  return Number(readFileSync('/proc/sys/fs/pipe-user-pages-soft', 'utf8'))
}

/** Bulk through a child of a user with that many pages left; returns the log of the children. */
async function bulkWithPages(t: TestContext, pagesBack: number): Promise<string | undefined> {
  const peers = rawPeers(t)
  if (!peers || !canBecome(t, SOMEBODY)) return undefined
  const pages = pagesOfUser()
  if (pages < 16 * PAGES_PER_MIB) {
    t.skip(`this system allows a user ${pages} pages, 0 being any number`)
    return undefined
  }
  const hog = new Program(t, [...asUser(SOMEBODY), process.execPath, HOG, `${pagesBack}`])
  await hog.stdout.reached(/taken/)
  const server = await peers.listen()
  const plan = relayTo(server)
    .with('splice = yes')
    .withMaster(spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`))
    .startedWith('-d', '16384')
  const master = await startMaster(t, plan)
  const client = await peers.connect(master.port())
  const accepted = await server.accept()
  await whole(client, accepted, BULK_BYTES)
  await Promise.all([client.close(), accepted.close()])
  await master.logged(/session 0-\w+-1: draining -> closed/)
  return master.program.stderr.text
}

test('a user without pages for pipes is served by copying', async (t) => {
  const said = await bulkWithPages(t, 0)
  if (said !== undefined) assert.doesNotMatch(said, /splices/)
})

test('a user with few pages for pipes gets a smaller pipe', async (t) => {
  // Some of them are taken by Node, because a pipe starts with 16.
  const said = await bulkWithPages(t, PAGES_PER_MIB)
  if (said !== undefined) assert.match(said, /splices to the remote through (131072|262144|524288) bytes/)
})

test('a user with enough pages for pipes gets one of 1 MiB', async (t) => {
  const said = await bulkWithPages(t, 4 * PAGES_PER_MIB)
  if (said !== undefined) assert.match(said, /splices to the remote through 1048576 bytes/)
})
