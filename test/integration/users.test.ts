import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { canBecome, needs } from '../harness/needs.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { variants } from '../harness/variants.js'

/** An unused user id. */
const SOMEBODY = 54_321

const isRoot = process.getuid?.() === 0

/** Root without the right to switch users; other users do not have it anyway. */
const MAY_NOT = isRoot ? ['setpriv', '--bounding-set=-setuid,-setgid'] : []

const PLAN = relayTo({ directive: 'address = 127.0.0.1 port = 9' })

/** Real, effective, saved and file system id, and the supplementary groups, of a process. */
function identityOf(pid: number) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const numbers = (name: string) =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)?.[1]?.split(/\s+/)
  return { uid: numbers('Uid'), gid: numbers('Gid'), groups: numbers('Groups')?.join(' ') }
}

const four = (id: number) => Array.from({ length: 4 }, () => String(id))

for (const { directives, gid } of variants(
  [{ directives: `userid = ${SOMEBODY} groupid = 12345`, gid: 12_345 }],
  [
    { directives: `userid = ${SOMEBODY}`, gid: SOMEBODY },
    { directives: 'groupid = 12345', gid: 12_345 },
  ],
)) {
  test(`children with ${directives} keep no ids or groups of the master`, async (t) => {
    if (!canBecome(t, SOMEBODY)) return
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(spawning([1, 1], [5, 5], directives))
    const master = await startMaster(t, plan, { under: ['setpriv', '--groups', '4,24'] })
    const [pid = 0] = master.children()
    const uid = directives.startsWith('userid') ? SOMEBODY : 0
    assert.deepEqual(identityOf(pid), { uid: four(uid), gid: four(gid), groups: '' })
    const client = await master.connect()
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
  })
}

for (const directive of variants([`userid = ${SOMEBODY}`], [`groupid = ${SOMEBODY}`])) {
  test(`the service ends with the reason if children cannot have ${directive}`, async (t) => {
    if (isRoot && !needs(t, 'setpriv')) return
    const file = join(temporaryFolder(t), 'master.cfg')
    writeFileSync(file, masterText(PLAN.withMaster(spawning([2, 2], [5, 5], directive))))
    for (const option of ['-D', '-P']) {
      const { code, stderr } = await tcprelay(t, [option, file], { under: MAY_NOT })
      assert.equal(code, 77, stderr)
      assert.match(stderr, /^\S+: children are not permitted to switch to the configured user or group\n/)
    }
  })
}

test('a reload with a user that children cannot have changes nothing', async (t) => {
  if (isRoot && !needs(t, 'setpriv')) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).withMaster(spawning([1, 1]))
  const master = await startMaster(t, plan, { under: MAY_NOT })
  const [child] = master.children()
  writeFileSync(
    master.file,
    masterText(relayTo(remote).withMaster(spawning([1, 1], [5, 5], `userid = ${SOMEBODY}`))),
  )
  master.signal('SIGHUP')
  await master.logged(/the new configuration is wrong: the old one goes on/)
  assert.deepEqual(await master.hasChildren(1), [child])
  const client = await master.connect()
  assert.equal(await client.exchange('hello'), 'hello')
  await client.close()
})
