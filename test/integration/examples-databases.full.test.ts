/** The examples about databases serve the cases that their comments describe, with real servers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { needs } from '../harness/needs.js'
import { startPostgres } from '../harness/real-servers.js'
import { remoteThat } from '../harness/remote.js'
import { run } from '../harness/run-program.js'
import { identityFiles } from '../harness/tls.js'
import { makeIdentity } from '../support/certificates.js'

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

/** A server that answers a startup by an error with its name. */
function databaseNamed(name: string) {
  const fields = `SFATAL\0C28000\0Mthis is ${name}\0\0`
  const error = Buffer.from(`E\0\0\0${String.fromCharCode(4 + fields.length)}${fields}`, 'latin1')
  return remoteThat((socket) => void socket.once('data', () => socket.end(error)))
}

test('postgres-by-name.cfg: psql gets to the server of its host name, and only with TLS', async (t) => {
  if (!needs(t, 'psql')) return
  const names = ['sales.db.example.com', 'stock.db.example.com', 'other.db.example.com']
  const { certFile, keyFile } = identityFiles(t, makeIdentity({ name: 'db', alternativeNames: names }))
  const sales = await databaseNamed('sales').start(t)
  const stock = await databaseNamed('stock').start(t)
  const relay = await startExample(t, 'postgres-by-name.cfg', {
    'port = 5432 tls': 'address = 127.0.0.1 port = 0 tls',
    '/etc/tcprelay/fullchain.pem': certFile,
    '/etc/tcprelay/privkey.pem': keyFile,
    'address = 192.0.2.31 port = 5432': sales.directive,
    'address = 192.0.2.32 port = 5432': stock.directive,
  })
  const psql = async (name: string, sslmode = 'verify-full') => {
    const place = `host=${name} hostaddr=127.0.0.1 port=${relay.port()} user=joe dbname=all`
    return (await run(['psql', '-w', '-d', `${place} sslmode=${sslmode} sslrootcert=${certFile}`])).output
  }
  assert.match(await psql('sales.db.example.com'), /FATAL: {2}this is sales/)
  assert.match(await psql('stock.db.example.com'), /FATAL: {2}this is stock/)
  assert.match(await psql('other.db.example.com'), /closed the connection|reset by peer|EOF detected/)
  assert.match(await psql('sales.db.example.com', 'disable'), /FATAL: {2}TLS is required/)
})
