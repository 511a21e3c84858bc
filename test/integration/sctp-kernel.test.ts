import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { hasSctp } from '../../src/kernel/sctp-sockets.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { calls } from '../support/sockets.js'

const CONFIG = 78
const MESSAGE = /relay\.cfg:\d+:\d+: (?:warning: )?this kernel does not support SCTP/g
const HINT = /load the kernel module: 'modprobe sctp'/

/** The tests of SCTP itself are in test/vm/. */
function kernelLacksSctp(t: TestContext): boolean {
  const lacks = !hasSctp(calls)
  if (!lacks) t.skip('this kernel has SCTP')
  return lacks
}

function fileWithSctp(t: TestContext): string {
  return relayTo({ directive: 'address = 127.0.0.1 port = 9 protocol = SCTP' })
    .listeningOn('port = 0 protocol = SCTP', 'port = 0')
    .file(t)
}

for (const option of ['-D', '-P']) {
  test(`without SCTP in the kernel a configuration that needs it is refused (${option})`, async (t) => {
    if (!kernelLacksSctp(t)) return
    const { code, stderr } = await tcprelay(t, [option, fileWithSctp(t)])
    assert.equal(code, CONFIG, stderr)
    assert.equal(stderr.match(MESSAGE)?.length, 2, stderr)
    assert.match(stderr, HINT)
  })
}
