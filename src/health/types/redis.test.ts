import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSING, checked, checkedIn, floods, SILENT, SOON, says } from '../../../test/support/checked.js'
import type { RedisCheck } from '../probe-checks.js'

const CHECK: RedisCheck = { type: 'redis', user: undefined, password: undefined, role: 'any' }
const MASTER: RedisCheck = { ...CHECK, role: 'master' }
const REPLICA: RedisCheck = { ...CHECK, role: 'replica' }
const PONG = '+PONG\r\n'
const AS_MASTER = '*3\r\n$6\r\nmaster\r\n:3129659\r\n*0\r\n'
const asReplica = (link: string) =>
  `*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$${link.length}\r\n${link}\r\n:3\r\n`

test('sends commands as arrays', async (t) => {
  let got = ''
  const check: RedisCheck = { type: 'redis', user: 'probe', password: 'pä', role: 'any' }
  const result = await checked(t, check, (socket) => {
    socket.on('data', (bytes) => {
      got += bytes.toString()
      socket.write(got.endsWith('PING\r\n') ? PONG : '+OK\r\n')
    })
  })
  assert.equal(result, 'up: ')
  assert.equal(got, '*3\r\n$4\r\nAUTH\r\n$5\r\nprobe\r\n$3\r\npä\r\n*1\r\n$4\r\nPING\r\n')
})

test('an error in place of PONG is the reason', async () => {
  const errors = {
    '-NOAUTH Authentication required.\r\n': '"NOAUTH Authentication required."',
    '-LOADING Redis is loading the dataset in memory\r\n': '"LOADING Redis is loading the dataset in memory"',
    '-MASTERDOWN Link with MASTER is down\r\n': '"MASTERDOWN Link with MASTER is down"',
    '-BUSY Redis is busy\x1b[2J\r\n': '"BUSY Redis is busy\\x1b[2J"',
    ':1\r\n': 'a number',
    '*0\r\n': 'an array',
    '$-1\r\n': 'no value',
    '+OK\r\n': '"OK"',
  }
  for (const [reply, shown] of Object.entries(errors))
    assert.equal(await checkedIn(CHECK, [reply]), `down: it answers ${shown} to PING`)
  const wrong = '-WRONGPASS invalid username-password pair\r\n'
  assert.equal(
    await checkedIn({ ...CHECK, password: 'x' }, [wrong]),
    'down: it answers "WRONGPASS invalid username-password pair" to AUTH',
  )
})

test('finds the role', async () => {
  assert.equal(await checkedIn(MASTER, [PONG, AS_MASTER]), 'up: role master')
  assert.equal(await checkedIn(REPLICA, [PONG, AS_MASTER]), 'down: role master, expected replica')
  assert.equal(await checkedIn(REPLICA, [PONG, asReplica('connected')]), 'up: role replica')
  assert.equal(await checkedIn(MASTER, [PONG, asReplica('connected')]), 'down: role replica, expected master')
  assert.equal(
    await checkedIn(REPLICA, [PONG, asReplica('sync')]),
    'up: role replica, but its connection to the master is "sync"',
  )
  assert.equal(
    await checkedIn(MASTER, [PONG, '*1\r\n$8\r\nsentinel\r\n']),
    'down: role sentinel, expected master',
  )
})

test('asks INFO where ROLE is not to be had', async () => {
  const info = '# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\n'
  const replies = [PONG, "-ERR unknown command 'ROLE'\r\n", `$${info.length}\r\n${info}\r\n`]
  assert.equal(await checkedIn(REPLICA, replies), 'up: role replica')
  assert.equal(
    await checkedIn(REPLICA, [PONG, '-NOPERM no\r\n', '-NOPERM neither\r\n']),
    'down: it answers "NOPERM neither" to INFO',
  )
})

test('fails at other answers, silence, half an answer and floods', async (t) => {
  assert.equal(
    await checked(t, CHECK, says('HTTP/1.1 400\r\n')),
    'down: bad reply to PING: "HTTP/1.1 400\\x0d\\x0a"',
  )
  assert.equal(await checked(t, CHECK, SILENT, SOON), 'down: no reply to PING within 0.4 s')
  assert.equal(await checked(t, CHECK, says('+PON'), SOON), 'down: no reply to PING within 0.4 s')
  assert.equal(await checked(t, CHECK, CLOSING), 'down: it closed the connection before the reply to PING')
  assert.match(await checked(t, CHECK, floods('+a')), /^down: bad reply to PING: "\+a/)
  assert.match(await checked(t, CHECK, floods('*9\r\n')), /^down: bad reply to PING/)
})
