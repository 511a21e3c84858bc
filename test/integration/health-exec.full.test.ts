import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** As in ps(1), `Z` until it is reaped; undefined: it is gone. */
function stateOf(pid: number): string | undefined {
  try {
    return /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

test('programs of health checks decide, warn once, and none is left when the relay ends', async (t) => {
  const folder = temporaryFolder(t)
  const [state, pids] = [join(folder, 'state'), join(folder, 'pids')]
  const program = join(folder, 'check')
  writeFileSync(state, 'echo fine; exit 0')
  const script = `#!/bin/sh\necho $$ >> ${pids}\n[ -e "${folder}/$REMOTE_PORT" ] && exec sleep 1000\n. ${state}\n`
  writeFileSync(program, script, { mode: 0o755 })
  const started = () => readFileSync(pids, 'latin1').trim().split('\n').map(Number)
  const [first, second] = [await remoteThat(says('a')).start(t), await remoteThat(says('b')).start(t)]
  // The program of the second remote hangs.
  writeFileSync(join(folder, String(second.port)), '')
  const relay = await relayTo(first, second)
    .with(`health { type = exec exec = ${program} interval = 50ms timeout = 1h rise = 1 fall = 1 }`)
    .start(t)
  writeFileSync(state, 'echo disk at 91 percent; exit 1')
  await relay.logged(/remote \S+: health check: "disk at 91 percent" \(exit code 1\)/)
  const before = started().length
  await until('further checks with the same warning', () => started().length > before + 2)
  writeFileSync(state, 'echo disk full; exit 2')
  await relay.logged(/is down: health check: "disk full" \(exit code 2\)/)
  writeFileSync(state, 'exit 0')
  await relay.logged(/is up again/)
  // The last ones may have ended just now.
  await until('those that have ended to be reaped', () =>
    started()
      .slice(0, -2)
      .every((pid) => stateOf(pid) !== 'Z'),
  )
  assert.equal(relay.program.stderr.matching(/91 percent/).length, 1)
  relay.signal('SIGTERM')
  await relay.program.ended()
  await until('the end of all programs', () => started().every((pid) => stateOf(pid) === undefined))
})
