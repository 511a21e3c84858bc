import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import { makeIdentity } from '../../../test/support/certificates.js'
import {
  CLOSING,
  checkAt,
  checked,
  floods,
  PLAN,
  type Serve,
  SILENT,
  SOON,
  says,
  serverThat,
} from '../../../test/support/checked.js'
import { secured } from '../../../test/support/tls-served.js'
import type { CheckOf } from '../probe-checks.js'

const CHECK: CheckOf<'postgres'> = { type: 'postgres', user: 'joe', database: 'db', role: 'any' }
const PRIMARY = { ...CHECK, role: 'primary' } as const

function message(type: string, body: string): string {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + body.length)
  return `${type}${length.toString('latin1')}${body}`
}

const OK = message('R', '\0\0\0\0')
const READY = message('Z', 'I')
const LOGIN = `${OK}${message('S', 'a\0b\0')}${message('K', '12345678')}${READY}`

function error(code: string, text: string): string {
  return message('E', `SFATAL\0C${code}\0M${text}\0\0`)
}

function row(value: string): string {
  return `${message('T', 'x')}${message('D', `\0\x01\0\0\0\x01${value}`)}${message('C', 'SELECT 1\0')}${READY}`
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** Answers to what the client sends, one after the other. */
function answers(...texts: readonly string[]): Serve {
  return (socket) => {
    const left = [...texts]
    socket.on('data', () => {
      const next = left.shift()
      if (next !== undefined) socket.write(latin1(next))
    })
  }
}

test('any request for authentication, and a refusal of the user or database, is a server that is up', async (t) => {
  const up = (text: string) => checked(t, CHECK, answers(text))
  assert.equal(await up(message('R', '\0\0\0\x0aSCRAM-SHA-256\0\0')), 'up: it asks for authentication')
  assert.equal(await up(LOGIN), 'up: ')
  assert.equal(await up(error('28000', 'no pg_hba.conf entry')), 'up: "no pg_hba.conf entry" (28000)')
  assert.equal(await up(`${OK}${error('28000', 'no role')}`), 'up: "no role" (28000)')
  assert.equal(await up(error('3D000', 'no database')), 'up: "no database" (3D000)')
})

test('any other error is its reason', async (t) => {
  const down = (text: string, check = CHECK) => checked(t, check, answers(text))
  const starting = 'the database system is starting up'
  assert.equal(await down(error('57P03', starting)), `down: "${starting}" (57P03)`)
  assert.equal(await down(error('53300', 'too many clients')), 'down: "too many clients" (53300)')
  assert.equal(await down(`${OK}${error('57P01', 'terminating')}`), 'down: "terminating" (57P01)')
  assert.equal(await down(error('28000', 'no entry'), PRIMARY), 'down: "no entry" (28000)')
  assert.equal(
    await down(message('R', '\0\0\0\x05salt'), PRIMARY),
    'down: it asks user "joe" for authentication, so that its role is not known',
  )
})

test('asks for the role and ends the session', async (t) => {
  let received = ''
  const address = await serverThat(t, (socket: Socket) => {
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
      if (received.endsWith('tcprelay\0\0')) socket.write(latin1(LOGIN))
      if (received.endsWith('()\0')) socket.write(latin1(row('f')))
    })
  })
  assert.equal(await checkAt(address, PRIMARY), 'up: primary')
  const startup = '\0\0\0\x38\0\x03\0\0user\0joe\0database\0db\0application_name\0tcprelay\0\0'
  const whole = `${startup}${message('Q', 'select pg_is_in_recovery()\0')}${message('X', '')}`
  await until('the end', () => received === whole)
  const replica = { ...CHECK, role: 'replica' } as const
  const failing = answers(LOGIN, error('42501', 'permission denied'))
  assert.equal(await checked(t, PRIMARY, failing), 'down: "permission denied" (42501)')
  assert.equal(await checked(t, replica, answers(LOGIN, row('t'))), 'up: replica')
  assert.equal(
    await checked(t, PRIMARY, answers(LOGIN, row('t'))),
    'down: it is a replica, expected a primary',
  )
  assert.equal(
    await checked(t, replica, answers(LOGIN, row('f'))),
    'down: it is a primary, expected a replica',
  )
  for (const bad of [row('x'), READY, `${message('D', '')}${READY}`])
    assert.equal(
      await checked(t, PRIMARY, answers(LOGIN, bad)),
      "down: bad answer to 'select pg_is_in_recovery()'",
    )
})

test('says what is wrong with an answer', async (t) => {
  assert.equal(
    await checked(t, CHECK, says('HTTP/1.1 400')),
    'down: no answer to the startup message of PostgreSQL: "HTTP/1.1 400"',
  )
  assert.equal(await checked(t, CHECK, answers(READY)), 'down: bad answer to the startup message')
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no answer to the startup message within 0.4 s')
  assert.equal(
    await checked(t, CHECK, answers('R\0\0'), SOON),
    'down: no answer to the startup message within 0.4 s',
  )
  assert.equal(await checked(t, CHECK, answers(OK), SOON), 'down: no end of the login within 0.4 s')
  assert.equal(
    await checked(t, CHECK, CLOSING),
    'down: it closed the connection before the answer to the startup message',
  )
  assert.match(
    await checked(t, CHECK, floods('x')),
    /^down: no answer to the startup message of PostgreSQL: "x+\.\.\."$/,
  )
  const notices = OK + message('N', '\0').repeat(1_000)
  assert.equal(
    await checked(t, CHECK, answers(notices)),
    'down: more than 1000 messages without the end of the login',
  )
})

test('asks for TLS, and takes nothing that came before the handshake', async (t) => {
  const { keyPem, pem } = makeIdentity({ name: 'db.example', alternativeNames: ['db.example'] })
  const tls = {
    id: '',
    context: { ca: pem },
    serverName: 'db.example',
    alpn: undefined,
    verifies: true,
    psk: undefined,
    startsInProtocol: true,
  }
  const outcome = async (serve: Serve) => checkAt(await serverThat(t, serve), CHECK, PLAN, { tls })
  const good: Serve = (socket) => {
    socket.once('data', () => {
      socket.write('S')
      secured(socket, { key: keyPem, cert: pem }, (secure) => {
        secure.once('data', () => secure.write(latin1(LOGIN)))
      })
    })
  }
  assert.equal(await outcome(good), 'up: ')
  assert.equal(await outcome(answers('N')), 'down: it does not offer TLS')
  assert.equal(await outcome(answers('E')), 'down: bad answer to the request for TLS')
  assert.equal(await outcome(answers(`S${OK}`)), 'down: it sent bytes before the TLS handshake')
  assert.match(await outcome(answers('S', OK)), /^down: TLS handshake failed: /)
})
