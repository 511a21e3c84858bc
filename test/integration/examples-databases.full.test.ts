/** The examples about databases serve the cases that their comments describe, with real servers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { startPostgres } from '../harness/real-servers.js'
import { run } from '../harness/run-program.js'

test('postgres-starttls.cfg: psql by the Unix socket', async (t) => {
  const server = await startPostgres(t)
  if (server === undefined) return
  const folder = temporaryFolder(t)
  await startExample(t, 'postgres-starttls.cfg', {
    '/tmp/': `${folder}/`,
    'address = db.example.com port = 5432': `address = 127.0.0.1 port = ${server.port} server name = db.example ca-file = ${server.certFile}`,
  })
  const command = ['psql', '-At', '-h', folder, '-U', 'joe', '-d', 'postgres', '-c', 'select 6 * 7']
  assert.deepEqual(await run(command, { PGPASSWORD: 'secret' }), { status: 0, output: '42\n' })
})
