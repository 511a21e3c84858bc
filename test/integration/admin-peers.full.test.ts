/** Programs of others read what the administration writes: Prometheus' own parser, and three shells. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SHELLS } from '../../src/admin/ctl/completion.js'
import { OPERATION_NAMES } from '../../src/admin/operations/operations.js'
import { adminPath, requestAdmin, tcprelayctl } from '../harness/admin.js'
import { temporaryFolder } from '../harness/clean-up.js'
import { needs } from '../harness/needs.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { parseOpenMetrics } from '../support/open-metrics.js'

/** Debian's, which has the packages of Debian. */
const PYTHON = '/usr/bin/python3'

/** Prints the value of each sample of the text on standard input, as the client library of Prometheus reads it. */
const READER = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        print(sample.name, len(sample.labels), sample.value)
`

test('the library of Prometheus reads the metrics', async (t) => {
  if (!needs(t, PYTHON)) return
  const hasLibrary = spawnSync(PYTHON, ['-c', 'import prometheus_client']).status === 0
  if (!hasLibrary && process.env.TCPRELAY_REQUIRE_PEERS)
    throw new Error('not installed: python3-prometheus-client')
  if (!hasLibrary) return t.skip('not installed: python3-prometheus-client')
  const remote = await remoteThat(echoes).start(t)
  const path = adminPath(t)
  await relayTo(remote).withMaster(`admin = { path = ${path} }`).start(t)
  const { text } = await requestAdmin({ socketPath: path }, '/metrics')
  const { status, stderr, stdout } = spawnSync(PYTHON, ['-c', READER], { input: text, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const samples = [...parseOpenMetrics(text).values()].reduce((sum, { samples }) => sum + samples.size, 0)
  assert.equal(stdout.trim().split('\n').length, samples)
})

const COMPLETED = [...OPERATION_NAMES].filter((name) => name.startsWith('re')).toSorted()

/** Lines that print what the shell offers for \`tcprelayctl re\`, after the completion has been loaded from \`file\`. */
const QUESTIONS: Readonly<Record<(typeof SHELLS)[number], (file: string) => string>> = {
  bash: (file) => `. ${file}
COMP_WORDS=(tcprelayctl --socket /x re) COMP_CWORD=3
_tcprelayctl
printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Without a terminal zsh does not complete: its own functions are replaced, and the one of the script runs.
  zsh: (file) => `compdef() { [[ $* == '_tcprelayctl tcprelayctl' ]] }
. ${file}
_arguments() { state=command }
_describe() { local -a all=("\${(@P)2}"); print -l -- \${(M)\${all%%:*}:#re*} }
_tcprelayctl`,
  fish: (file) => `source ${file}
complete -C 'tcprelayctl re' | cut -f1`,
}

for (const shell of SHELLS) {
  test(`${shell} completes commands`, async (t) => {
    if (!needs(t, shell)) return
    assert.deepEqual(await offered(t, shell), COMPLETED)
  })
}

async function offered(t: TestContext, shell: (typeof SHELLS)[number]): Promise<readonly string[]> {
  const { stdout: script } = await tcprelayctl(t, ['completion', shell])
  const file = join(temporaryFolder(t), 'completion')
  writeFileSync(file, script)
  const words = shell === 'fish' ? ['--no-config', '-c'] : shell === 'zsh' ? ['-f', '-c'] : ['--norc', '-c']
  const { status, stderr, stdout } = spawnSync(shell, [...words, QUESTIONS[shell](file)], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '')
  return stdout.trim().split('\n').toSorted()
}
