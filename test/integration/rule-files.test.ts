import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { CHILDREN_ACCEPT, MODES, type Running } from '../harness/modes.js'
import { childrenOf } from '../harness/proc.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { replaceFile } from '../harness/replace-file.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

/** Files of access rules that change while clients connect, without a reload. */

/** Whether a client from this address of the loopback is served. */
async function isServed(t: TestContext, running: Running, localAddress: string): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port: running.port(), localAddress, allowHalfOpen: true })
  const client = new Client(t, socket)
  const echoed = await client.exchange('hello').catch(() => '')
  await client.close()
  return echoed === 'hello'
}

/** The last bytes of the addresses that are served, of those that a test uses. */
async function served(t: TestContext, running: Running): Promise<string> {
  const hosts = ['1', '2', '3']
  const answers = await Promise.all(hosts.map((host) => isServed(t, running, `127.0.0.${host}`)))
  return hosts.filter((_, i) => answers[i]).join()
}

for (const { name, start } of MODES) {
  test(`${name}: a changed file of rules decides without a reload, a broken or missing one does not`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const path = join(temporaryFolder(t), 'blocked')
    writeFileSync(path, '# by hand\n127.0.0.2\n')
    const running = await start(
      t,
      relayTo(remote).withMaster(`deny file = ${path}`, 'permit 127.0.0.2', 'default = permit'),
    )
    assert.equal(await served(t, running), '1,3')
    await running.logged(/connection attempt from 127\.0\.0\.2:\d+ rejected \(.*, rule .*blocked:2\)/)
    const held = await Client.connect(t, { port: running.port() })
    assert.equal(await held.exchange('held'), 'held')

    replaceFile(path, '127.0.0.2/31\n')
    await running.logged(/access rules: .*blocked has changed: 1 entry is in force/)
    await until('the new list', async () => (await served(t, running)) === '1')

    writeFileSync(path, '127.0.0.3\nrubbish')
    await running.logged(
      /access rules: .*blocked:2:1: expected an IP address.*'rubbish': the previous entries \(1\)/,
    )
    rmSync(path)
    await running.logged(/access rules: cannot read '.*blocked': no such file or directory: the previous/)
    assert.equal(await served(t, running), '1')

    replaceFile(path, '127.0.0.1\n127.0.0.3 - 127.0.0.9\n')
    await running.logged(/access rules: .*blocked has changed: 2 entries are in force/)
    await until('the file that is back', async () => (await served(t, running)) === '2')
    assert.equal(await held.exchange('still'), 'still')
    assert.equal(running.program.stderr.matching(/reloading/).length, 0)
  })
}

for (const { name, start } of variants([], [CHILDREN_ACCEPT])) {
  test(`${name}: children that start after a change, and a reload, have the file as it is then`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const path = join(temporaryFolder(t), 'blocked')
    writeFileSync(path, '127.0.0.2\n')
    const running = await start(t, relayTo(remote).withMaster(`deny file = ${path}`, 'default = permit'))
    replaceFile(path, '127.0.0.3\n')
    await running.logged(/blocked has changed/)
    await until('the new list', async () => (await served(t, running)) === '1,2')
    const [child] = childrenOf(running.pid)
    assert.ok(child)
    process.kill(Number(child), 'SIGKILL')
    await until('another child', () => childrenOf(running.pid).some((pid) => pid !== child))
    assert.equal(await served(t, running), '1,2')
    // Before the watch would see it.
    replaceFile(path, '127.0.0.1\n')
    running.signal('SIGHUP')
    await running.logged(/the new configuration is in force/)
    assert.equal(await served(t, running), '2,3')
  })
}

test('-P reports a mistake in a file of rules at its place', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'list'), '10.0.0.1\n 10.0.0.0/40\n')
  const file = join(folder, 'relay.cfg')
  writeFileSync(
    file,
    `id = spawnd { listen { port = 1 } permit file = ${join(folder, 'list')} }
    id = tcprelay { remote { 127.0.0.1:2 } }`,
  )
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, 78)
  assert.match(stderr, /list:2:2: expected a prefix of 0 to 32 bits for IPv4, but got '10\.0\.0\.0\/40'/)
})
