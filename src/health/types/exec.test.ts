import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { until } from '../../../test/harness/until.js'
import { checkAt, PLAN } from '../../../test/support/checked.js'
import type { SocketAddress } from '../../base/address.js'
import { ProbeSession } from '../probe-session.js'
import { probeExec } from './exec.js'

const ADDRESS: SocketAddress = { family: 'ipv6', host: '2001:db8::1', port: 80, scope: '' }

function sh(script: string, ...words: readonly string[]) {
  return { type: 'exec', path: '/bin/sh', words: ['sh', '-c', script, ...words] } as const
}

const run = (script: string, timeoutMs = 20_000) => checkAt(ADDRESS, sh(script), { ...PLAN, timeoutMs })

function isAlive(pid: number): boolean {
  try {
    // A zombie has no command line.
    return readFileSync(`/proc/${pid}/cmdline`).byteLength > 0
  } catch {
    return false
  }
}

/** The pid that a program has written, once it has. */
async function pidIn(file: string): Promise<number> {
  const read = () => {
    try {
      return Number(/^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
    } catch {
      return 0
    }
  }
  return until('the pid', () => read() || undefined)
}

test('the exit code is the result, the first line its text', async () => {
  assert.equal(await run('exit 0'), 'up: ')
  assert.equal(await run("echo 'OK - fine | t=1s'; echo more"), 'up: "OK - fine"')
  assert.equal(
    await run('echo disk 91%; exit 1'),
    'up: "disk 91%" (exit code 1), but "disk 91%" (exit code 1)',
  )
  assert.equal(await run('echo no; exit 2'), 'down: "no" (exit code 2)')
  assert.equal(await run('exit 3'), 'down: exit code 3')
  assert.equal(await run('echo who; exit 127'), 'down: "who" (exit code 127)')
  assert.equal(await run('kill -SEGV $$'), 'down: signal SIGSEGV')
  assert.equal(await run("printf 'a\\033[1mb'; exit 2"), 'down: "a\\x1b[1mb" (exit code 2)')
  assert.match(
    await run('yes | head -c 200000 | tr -d "\\n"; exit 2'),
    /^down: "y{77}\.\.\." \(exit code 2\)$/,
  )
})

test('the remote is in its environment', async () => {
  const address: SocketAddress = { family: 'ipv4', host: '192.0.2.1', port: 5432 }
  const check = sh('echo $REMOTE_NAME $REMOTE_ADDRESS $REMOTE_PORT $HAPROXY_SERVER_ADDR $1', 'x', 'last')
  assert.equal(
    await checkAt(address, check, PLAN, { name: 'db1' }),
    'up: "db1 192.0.2.1 5432 192.0.2.1 last"',
  )
  const unix = await checkAt({ family: 'unix', path: '/run/x' }, sh('echo "$REMOTE_ADDRESS<$REMOTE_PORT>"'))
  assert.equal(unix, 'up: "/run/x<>"')
})

test('has a session of its own, and no descriptor of this program', async (t: TestContext) => {
  const file = join(temporaryFolder(t), 'open')
  const fd = openSync(file, 'w')
  assert.equal(await run(`ls -l /proc/$$/fd | grep -c ${file}; true`), 'up: "0"')
  closeSync(fd)
  assert.equal(await run('readlink /proc/$$/fd/0'), 'up: "/dev/null"')
  assert.equal(await run('readlink /proc/$$/fd/2'), 'up: "/dev/null"')
  assert.equal(await run('read a < /proc/self/stat; set -- $a; [ $1 = $6 ] && echo own'), 'up: "own"')
})

test('a program that cannot be started is a failure of the check', async () => {
  const outcome = await checkAt(ADDRESS, { type: 'exec', path: '/nonexistent/x', words: ['x'] })
  assert.equal(outcome, 'down: /nonexistent/x could not be started: no such file or directory')
})

test('at the time limit it is killed with its processes, and nothing is left', async (t: TestContext) => {
  const file = join(temporaryFolder(t), 'pid')
  // The limit is longer than the start of the program takes on a busy machine.
  const outcome = run(`trap '' TERM; sleep 1000 & echo $! > ${file}; wait`, 3_000)
  const pid = await pidIn(file)
  assert.ok(isAlive(pid))
  assert.equal(await outcome, 'down: no answer within 3 s')
  await until('the end of its processes', () => !isAlive(pid))
})

test('what it leaves behind is killed when it ends', async (t: TestContext) => {
  const file = join(temporaryFolder(t), 'pid')
  assert.equal(await run(`sleep 1000 & echo $! > ${file}; echo done`), 'up: "done"')
  const pid = await pidIn(file)
  await until('the end of its processes', () => !isAlive(pid))
})

test('a check that is cancelled kills its program', async (t: TestContext) => {
  const file = join(temporaryFolder(t), 'pid')
  const session = new ProbeSession([ADDRESS], PLAN)
  const outcome = probeExec(session, sh(`echo $$ > ${file}; exec sleep 1000`))
  const pid = await pidIn(file)
  session.close()
  await assert.rejects(outcome, { message: 'the check was cancelled' })
  await until('the end of the program', () => !isAlive(pid))
})

test('16 run at once, the others when one has ended', async (t: TestContext) => {
  const folder = temporaryFolder(t)
  // Each counts those that run with it.
  const script = `: > ${folder}/$$; ls ${folder} | wc -l; sleep 0.2; rm ${folder}/$$`
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => run(script)))
  const counts = outcomes.map((outcome) => Number(/^up: "(\d+)"$/.exec(outcome)?.[1]))
  assert.ok(
    counts.every((count) => count >= 1 && count <= 16),
    `${counts}`,
  )
})
