import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clientOf, freshName } from '../harness/abstract-names.js'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { canBecome } from '../harness/needs.js'
import { fileOfProject, Program } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** Unused user and group ids. */
const JOE = 54_321
const ANN = 54_322
const BOB = 54_323
const STAFF = 54_400

/** What a client with these groups (the first is the primary one) gets from an echo behind a Unix socket. */
async function hears(
  t: TestContext,
  name: string,
  user: number,
  ...groups: readonly number[]
): Promise<string> {
  const [first = user, ...further] = groups
  const others = further.length === 0 ? ['--clear-groups'] : [`--groups=${further.join()}`]
  const under = ['setpriv', `--reuid=${user}`, `--regid=${first}`, ...others]
  const client = [process.execPath, fileOfProject('dist/test/harness/unix-client.js'), name, 'hello']
  const program = new Program(t, client, { under })
  await program.ended()
  return program.stdout.text.trim()
}

for (const { name: mode, start, textOf } of MODES) {
  test(`${mode}: users and groups decide who may connect to a Unix socket`, async (t) => {
    if (!canBecome(t, JOE)) return
    const name = freshName()
    const plan = relayTo(await remoteThat(echoes).start(t)).listeningOn(
      'address = 127.0.0.1 port = 0',
      `path = ${name}`,
    )
    const rules = [`deny user = ${ANN}`, `permit user = ${JOE}`, `permit group = 1, ${STAFF}`]
    const running = await start(t, plan.withMaster(...rules))
    assert.equal(await hears(t, name, JOE), 'hello')
    assert.notEqual(await hears(t, name, ANN, STAFF), 'hello')
    await running.logged(new RegExp(`connection attempt from unix: \\(uid ${ANN}, gid ${STAFF}\\) rejected`))
    assert.equal(await hears(t, name, BOB, STAFF), 'hello', 'the first group')
    assert.equal(await hears(t, name, BOB, BOB, 7, STAFF), 'hello', 'a further group')
    assert.notEqual(await hears(t, name, BOB), 'hello', 'no line applies')
    const tcp = await Client.connect(t, { port: running.port() })
    assert.equal(await tcp.exchange('not meant'), 'not meant')
    await tcp.close()
    await reload(running, textOf(plan.withMaster(`permit not user = ${JOE}`)))
    assert.equal(await hears(t, name, ANN), 'hello')
    assert.notEqual(await hears(t, name, JOE), 'hello')
  })

  test(`${mode}: the access log shows the user of a Unix client`, async (t) => {
    const name = freshName()
    const plan = relayTo(await remoteThat(echoes).start(t)).listeningOn(`path = ${name}`)
    const running = await start(t, plan.with('access log = stderr'))
    const client = clientOf(t, name)
    assert.equal(await client.exchange('x'), 'x')
    await client.close()
    const who = `uid=${process.geteuid?.()} gid=${process.getegid?.()}`
    await running.logged(new RegExp(`client=unix: ${who} listener=unix:${name} remote=.* end=`))
  })
}

test('network rules do not apply to clients of Unix sockets', async (t) => {
  const name = freshName()
  const plan = relayTo(await remoteThat(echoes).start(t)).listeningOn(`path = ${name}`)
  await plan.withMaster('permit 10.0.0.0/8').start(t)
  const client = clientOf(t, name)
  assert.equal(await client.exchange('not meant'), 'not meant')
  await client.close()
})
