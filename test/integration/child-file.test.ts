import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo, type Target } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'

const IN_FORCE = /the new configuration is in force/

/** A plan whose relay section in the master's file has an unusable remote; and the file of the children. */
function apart(t: TestContext, ...spawn: readonly string[]) {
  const folder = temporaryFolder(t)
  const [file, included] = [join(folder, 'children.cfg'), join(folder, 'included.cfg')]
  writeFileSync(file, `include = '${included}'\n`)
  return {
    file,
    plan: relayTo({ directive: 'address = 127.0.0.1 port = 9' })
      .with('connect timeout = 1', 'dial retries = 0')
      .withMaster(spawning([1, 1], [5, 5], `config = '${file}'`, ...spawn)),
    leadTo: (target: Target, more = '') =>
      writeFileSync(included, `id = tcprelay { remote = { ${target.directive} } ${more} }\n`),
  }
}

test('children use their own file, and a reload reads it again', async (t) => {
  const [first, second] = [
    await remoteThat(says('first')).start(t),
    await remoteThat(says('second')).start(t),
  ]
  const { leadTo, plan } = apart(t)
  leadTo(first)
  const master = await startMaster(t, plan)
  assert.equal(await (await master.connect()).readToEnd(), 'first')
  leadTo(second)
  master.signal('SIGHUP')
  await master.logged(IN_FORCE)
  assert.equal(await (await master.connect()).readToEnd(), 'second')
  leadTo(first, 'wrong')
  master.signal('SIGHUP')
  await master.logged(/included\.cfg:1:\d+: unknown directive 'wrong'/)
  await master.logged(/is wrong: the old one goes on/)
  assert.equal(await (await master.connect()).readToEnd(), 'second')
})

test('a single process uses that file, too', async (t) => {
  const remote = await remoteThat(says('single')).start(t)
  const { leadTo, plan } = apart(t)
  leadTo(remote)
  const relay = await plan.start(t)
  assert.equal(await (await relay.connect()).readToEnd(), 'single')
})

test('-P reports the errors of both files', async (t) => {
  const { leadTo, plan } = apart(t, 'wrong-in-master')
  leadTo({ directive: 'address = 127.0.0.1 port = 9' }, 'wrong-in-children')
  const file = join(temporaryFolder(t), 'master.cfg')
  writeFileSync(file, masterText(plan))
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, 78)
  assert.match(
    stderr,
    /master\.cfg:\d+:\d+: .* directive 'wrong-in-master'[\s\S]*included\.cfg:1:\d+: .* directive 'wrong-in-children'/,
  )
  assert.match(stderr, /wrong-in-children \}\n +\^/)
})

test('a file that cannot be read is reported with its exit code', async (t) => {
  const plan = relayTo().withMaster('spawn = { config = /nowhere.cfg }')
  const { code, stderr } = await tcprelay(t, ['-P', plan.file(t)])
  assert.equal(code, 66)
  assert.match(stderr, /\/nowhere\.cfg:1:1: cannot read '\/nowhere\.cfg': no such file or directory/)
})

test('a foreign child gets the file as its argument', async (t) => {
  if (!needs(t, 'python3')) return
  const exec = `exec = ${fileOfProject('test/harness/foreign_child.py')}`
  const { file, plan } = apart(t, exec, 'id = some-section')
  const master = await startMaster(t, plan, { children: 0 })
  const { argv } = JSON.parse(await (await master.connect()).readToEnd())
  assert.deepEqual(argv, [file, 'some-section'])
})
