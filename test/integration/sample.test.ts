import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { startTcprelay } from '../harness/program.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** The sample of the documentation without its TLS lines, with free ports and an existing remote. */
const sample = (remotePort: number) => `#!/usr/local/sbin/spawnd

id = spawnd {
  listen = { port = 0 }
  listen = { address = ::0 port = 0 }
  listen = { ::0 port = 0 }
  spawn {
    users max = 4000
    users min = 10
    servers min = 1
    servers max = 20
  }
}

id = tcprelay {
  remote = { address = 127.0.0.1 port = ${remotePort} }
}
`

test('the sample configuration of the documentation runs', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const file = join(temporaryFolder(t), 'sample.cfg')
  writeFileSync(file, sample(remote.port))
  const program = startTcprelay(t, ['-1', '-D', file])
  const bound = []
  for (const nth of [1, 2, 3]) bound.push(await program.stderr.reached(/bind to \S+:(\d+) succeeded/, nth))
  for (const [, port] of bound) {
    for (const host of ['127.0.0.1', '::1']) {
      const client = await Client.connect(t, { host, port: Number(port) })
      assert.equal(await client.exchange('hello'), 'hello')
      await client.close()
    }
  }
  program.signal('SIGTERM')
  assert.deepEqual(await program.ended(), { code: 0, signal: null })
})
