import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { clientOf, freshName, startAt } from '../harness/abstract-names.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** __SO_ACCEPTCON of a listening socket, as /proc/net/unix shows it. */
const LISTENS = '00010000'

/** The inodes of the sockets that listen under this name. */
function listeningUnder(name: string): string[] {
  const rows = readFileSync('/proc/net/unix', 'utf8').split('\n')
  return rows.flatMap((row) => {
    const [, , , flags, , , inode = '', path] = row.trim().split(/\s+/)
    return path === name && flags === LISTENS ? inode : []
  })
}

for (const { name: mode, start, textOf } of MODES) {
  test(`${mode}: abstract names on both sides, and a reload keeps the socket`, async (t) => {
    const [front, back] = [freshName(), freshName()]
    await startAt(t, back, remoteThat(echoes))
    const plan = relayTo({ directive: `address = unix:${back}` }).listeningOn(`path = ${front}`)
    const running = await start(t, plan)
    await running.logged(new RegExp(`bind to unix:${front} succeeded`))
    const old = clientOf(t, front)
    assert.equal(await old.exchange('by name'), 'by name')
    const sockets = listeningUnder(front)
    assert.equal(sockets.length, 1)
    await reload(running, textOf(plan.with('idle timeout = 1h')))
    assert.deepEqual(listeningUnder(front), sockets)
    const young = clientOf(t, front)
    assert.equal(await young.exchange('again'), 'again')
    assert.equal(await old.exchange('still'), 'still')
    await old.close()
    await young.close()
  })
}

for (const form of ['address = unix:NAME', 'unix:NAME']) {
  test(`a listener and a remote may be written ${form}`, async (t) => {
    const [front, back] = [freshName(), freshName()]
    await startAt(t, back, remoteThat(says('here')))
    const plan = relayTo({ directive: form.replace('NAME', back) })
    await plan.listeningOn(form.replace('NAME', front)).start(t)
    assert.equal(await clientOf(t, front).readToEnd(), 'here')
  })
}

test('an abstract name in use is reported, and other listeners serve', async (t) => {
  const name = freshName()
  await startAt(t, name, remoteThat(says('mine')))
  const remote = await remoteThat(says('here')).start(t)
  const relay = await relayTo(remote).listeningOn(`path = ${name}`, 'address = 127.0.0.1 port = 0').start(t)
  await relay.logged(new RegExp(`bind to unix:${name} failed: address already in use`))
  assert.equal(await (await relay.connect()).readToEnd(), 'here')
  assert.equal(await clientOf(t, name).readToEnd(), 'mine')
})

test('an abstract name is free when its owner ends, and the next one can take it', async (t) => {
  const name = freshName()
  const plan = relayTo(await remoteThat(says('here')).start(t)).listeningOn(`path = ${name}`)
  const first = await plan.start(t)
  first.signal('SIGKILL')
  await first.ended()
  await until('the name to be free', () => listeningUnder(name).length === 0)
  await plan.start(t)
  assert.equal(await clientOf(t, name).readToEnd(), 'here')
})

test('a remote under an unused abstract name is down', async (t) => {
  const name = freshName()
  const remote = await remoteThat(says('here')).start(t)
  const relay = await relayTo({ directive: `unix:${name} weight = 9` }, remote).start(t)
  assert.equal(await (await relay.connect()).readToEnd(), 'here')
  await relay.logged(new RegExp(`remote unix:${name} is down: connection refused`))
})
