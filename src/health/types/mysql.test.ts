import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { until } from '../../../test/harness/until.js'
import {
  checkAt,
  checked,
  floods,
  type Serve,
  SILENT,
  SOON,
  serverThat,
} from '../../../test/support/checked.js'
import type { CheckOf } from '../probe-checks.js'

const GREETING: CheckOf<'mysql'> = { type: 'mysql', user: undefined, role: 'any' }
const LOGIN: CheckOf<'mysql'> = { ...GREETING, user: 'joe' }
const PRIMARY: CheckOf<'mysql'> = { ...LOGIN, role: 'primary' }

const latin1 = (text: string) => Buffer.from(text, 'latin1')

function packet(sequence: number, text: string): Buffer {
  const payload = latin1(text)
  const header = Buffer.of(payload.length & 0xff, payload.length >> 8, 0, sequence)
  return Buffer.concat([header, payload])
}

/** PROTOCOL_41 and SECURE_CONNECTION, then PLUGIN_AUTH. */
function greeting(plugin: string, capabilities = '\x01\x82'): Buffer {
  const version = `\x0a8.0.36\0${'\0'.repeat(4)}12345678\0`
  return packet(0, `${version}${capabilities}\x21\x02\0\x08\0\x15${'\0'.repeat(10)}123456789012\0${plugin}\0`)
}

const NATIVE = greeting('mysql_native_password')
const SHA2 = greeting('caching_sha2_password')
const OK = packet(2, '\0\0\0\x02\0\0\0')
const EOF = (sequence: number) => packet(sequence, '\xfe\0\0\x02\0')

function rows(value: string): Buffer {
  const text = `${String.fromCharCode(value.length)}${value}`
  return Buffer.concat([packet(1, '\x01'), packet(2, '\x03def'), EOF(3), packet(4, text), EOF(5)])
}

/** Greets, and answers to what the client sends, one after the other. */
function serves(hello: Uint8Array, ...texts: readonly Uint8Array[]): Serve {
  return (socket) => {
    const left = [...texts]
    socket.write(hello)
    socket.on('data', () => {
      const next = left.shift()
      if (next !== undefined) socket.write(next)
    })
  }
}

test('without a user reads the greeting', async (t) => {
  assert.equal(await checked(t, GREETING, serves(NATIVE)), 'up: version "8.0.36"')
  const error = packet(0, '\xff\x69\x04Host is blocked')
  assert.equal(await checked(t, GREETING, serves(error)), 'down: "Host is blocked" (error 1129)')
  const many = packet(0, '\xff\x10\x04#08004Too many connections')
  assert.equal(await checked(t, GREETING, serves(many)), 'down: "Too many connections" (error 1040)')
})

test('logs in without a password by either method, asks for the role, and quits', async (t) => {
  const seen: string[] = []
  const run = async (check: CheckOf<'mysql'>, hello: Buffer, ...texts: Buffer[]) => {
    let received = ''
    const address = await serverThat(t, (socket) => {
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1')
      })
      serves(hello, ...texts)(socket)
    })
    const outcome = await checkAt(address, check)
    if (outcome.startsWith('up')) await until('COM_QUIT', () => received.endsWith('\x01\0\0\0\x01'))
    seen.push(received)
    return outcome
  }
  assert.equal(await run(LOGIN, NATIVE, OK), 'up: version "8.0.36"')
  const head = `\x01\x82\x08\0\0\0\x01\0\x21${'\0'.repeat(23)}joe\0`
  assert.equal(seen[0], `${packet(1, `${head}\0mysql_native_password\0`).toString('latin1')}\x01\0\0\0\x01`)
  assert.equal(await run(LOGIN, SHA2, OK), 'up: version "8.0.36"')
  assert.equal(
    seen[1],
    `${packet(1, `${head}\x01\0caching_sha2_password\0`).toString('latin1')}\x01\0\0\0\x01`,
  )
  assert.equal(await run(LOGIN, SHA2, Buffer.concat([packet(2, '\x01\x03'), OK])), 'up: version "8.0.36"')
  const other = packet(2, '\xfecaching_sha2_password\x00challenge\0')
  assert.equal(await run(LOGIN, NATIVE, other, OK), 'up: version "8.0.36"')
  assert.ok(seen[3]?.includes('\x01\0\0\x03\0'))
  assert.equal(await run(PRIMARY, NATIVE, OK, rows('0')), 'up: version "8.0.36", primary')
  assert.ok(seen[4]?.includes('\x03select @@global.read_only'))
})

test('says why a login fails', async (t) => {
  const denied = packet(2, "\xff\x15\x04#28000Access denied for user 'joe'@'h' (using password: NO)")
  assert.equal(
    await checked(t, LOGIN, serves(NATIVE, denied)),
    `down: "Access denied for user 'joe'@'h' (using password: NO)" (error 1045)`,
  )
  assert.equal(await checked(t, LOGIN, serves(SHA2, packet(2, '\x01\x04'))), 'down: it wants a password')
  const dialog = packet(2, '\xfedialog\0\0')
  assert.equal(
    await checked(t, LOGIN, serves(NATIVE, dialog)),
    'down: it wants the authentication method "dialog"',
  )
  assert.equal(
    await checked(t, LOGIN, serves(NATIVE, packet(2, '\xfe'))),
    'down: it wants the authentication method ""',
  )
  assert.equal(await checked(t, LOGIN, serves(NATIVE, packet(2, 'x'))), 'down: bad answer to the login')
})

test('compares the role', async (t) => {
  const replica = { ...LOGIN, role: 'replica' } as const
  assert.equal(await checked(t, replica, serves(NATIVE, OK, rows('1'))), 'up: version "8.0.36", replica')
  assert.equal(await checked(t, replica, serves(NATIVE, OK, rows('ON'))), 'up: version "8.0.36", replica')
  assert.equal(
    await checked(t, PRIMARY, serves(NATIVE, OK, rows('1'))),
    'down: it is a replica (read_only = "1"), expected a primary',
  )
  assert.equal(
    await checked(t, replica, serves(NATIVE, OK, rows('OFF'))),
    'down: it is a primary (read_only = "OFF"), expected a replica',
  )
  const bad = [
    Buffer.concat([packet(1, '\x02'), packet(2, 'x'), EOF(3), packet(4, '\x010'), EOF(5)]),
    Buffer.concat([packet(1, '\x01'), packet(2, 'x'), EOF(3), packet(4, '\x090'), EOF(5)]),
    Buffer.concat([packet(1, '\x01'), packet(2, 'x'), EOF(3), packet(4, '\x010'), packet(5, 'x')]),
  ]
  for (const answer of bad)
    assert.equal(
      await checked(t, PRIMARY, serves(NATIVE, OK, answer)),
      "down: bad answer to 'select @@global.read_only'",
    )
})

test('says what is wrong with a greeting', async (t) => {
  const greeted = (bytes: Buffer) => checked(t, GREETING, serves(bytes))
  assert.equal(await greeted(latin1('SSH-2.0-x\r\n')), 'down: no greeting of MySQL: "SSH-2.0-x\\x0d\\x0a"')
  assert.equal(await greeted(packet(0, '\x09x\0')), 'down: protocol version 9 of MySQL, expected 10')
  assert.equal(await greeted(packet(0, '\x0a8.0')), 'down: bad greeting of MySQL')
  assert.equal(await greeted(packet(0, '')), 'down: bad greeting of MySQL')
  assert.equal(await greeted(greeting('x', '\x01\0')), 'down: it is too old: version "8.0.36"')
  assert.equal(await checked(t, GREETING, SILENT, SOON), 'down: no greeting within 0.4 s')
  assert.equal(
    await checked(t, GREETING, serves(NATIVE.subarray(0, 20)), SOON),
    'down: no greeting within 0.4 s',
  )
  assert.equal(await checked(t, LOGIN, serves(NATIVE), SOON), 'down: no answer to the login within 0.4 s')
  assert.equal(
    await checked(t, GREETING, (socket) => void socket.end()),
    'down: it closed the connection before the greeting',
  )
  assert.match(await checked(t, GREETING, floods('x')), /^down: no greeting of MySQL: "x+\.\.\."$/)
})
