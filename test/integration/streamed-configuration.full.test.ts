import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { startTcprelay, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const NOWHERE = { directive: 'address = 127.0.0.1 port = 9' }
const MODES = [
  ['a single process', 'single process = yes'],
  ['a master', 'single process = no'],
] as const

/** Gives the program a pipe with the file as its last argument. */
const throughPipe = (file: string) => ['bash', '-c', 'exec "$@" <(cat "$0")', file]

for (const [what, mode] of MODES) {
  test(`${what} takes its configuration from a pipe and keeps it on SIGHUP`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).withMaster(mode)
    const program = startTcprelay(t, ['-D'], { under: throughPipe(plan.file(t)) })
    const [, port = ''] = await program.stderr.reached(/bind to 127\.0\.0\.1:(\d+) succeeded/)
    assert.equal(await exchange(t, port), 'hello')
    program.signal('SIGHUP')
    await program.stderr.reached(/\/dev\/fd\/\d+:1:1: cannot read '\/dev\/fd\/\d+': the pipe has no writer/)
    await program.stderr.reached(/the new configuration is wrong: the old one goes on/)
    assert.equal(await exchange(t, port), 'hello')
  })
}

test('a start and -P refuse a pipe that would have to be read again', async (t) => {
  for (const [line, reason] of [
    ['background = yes', /a configuration from a pipe cannot be used in the background/],
    ['spawn = { exec = /bin/true }', /children of another program cannot read a configuration from a pipe/],
  ] as const) {
    const under = throughPipe(relayTo(NOWHERE).withMaster('single process = no', line).file(t))
    for (const options of [[], ['-P']]) {
      const { code, stderr } = await tcprelay(t, options, { under })
      assert.equal(code, 78)
      assert.match(stderr, reason)
    }
  }
})

test('an endless page is an error of the reload, and the old configuration stays in force', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
  let isEndless = false
  const url = await served(t, (response) => {
    if (isEndless) pour(response)
    else response.end(plan.text)
  })
  const program = startTcprelay(t, ['-D', url])
  const [, port = ''] = await program.stderr.reached(/bind to 127\.0\.0\.1:(\d+) succeeded/)
  isEndless = true
  program.signal('SIGHUP')
  await program.stderr.reached(/cannot read 'http:\/\/127[^']*': it is larger than 16 MiB/)
  await program.stderr.reached(/the old one goes on/)
  assert.equal(await exchange(t, port), 'hello')
})

async function served(t: TestContext, answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  afterwards(t, async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/relay.cfg`
}

/** Sends comments as long as they are read. */
function pour(response: ServerResponse): void {
  const chunk = '#'.repeat(64 * 1024)
  const more = () => {
    while (!response.destroyed && response.write(chunk)) {}
  }
  response.on('drain', more)
  more()
}

async function exchange(t: TestContext, port: string): Promise<string> {
  const client = await Client.connect(t, { port: Number(port) })
  const answer = await client.exchange('hello')
  await client.close()
  return answer
}
