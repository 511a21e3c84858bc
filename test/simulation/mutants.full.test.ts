import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** A deliberate bug in the built data path. */
interface Mutant {
  readonly mistake: string
  readonly file: string
  readonly right: string
  readonly wrong: string
}

const MUTANTS: readonly Mutant[] = [
  {
    mistake: 'a short write is forgotten',
    file: 'relay/transfer/pump.js',
    right: 'way.heldOffset += took',
    wrong: '',
  },
  {
    mistake: 'the bytes of a short write are sent again',
    file: 'relay/transfer/pump.js',
    right: 'way.hold(block, taken, got - taken)',
    wrong: 'way.hold(block, 0, got)',
  },
  {
    mistake: 'a reset becomes a clean end',
    file: 'relay/transfer/direction.js',
    right: 'if (source.error !== 0)\n        return SOURCE_FAILED',
    wrong: '',
  },
  {
    mistake: 'a reset overtakes the bytes before it',
    file: 'relay/closing/endings.js',
    right: 'if (unsent <= 0 || !whole.transport.hasReset)',
    wrong: 'if (true)',
  },
  {
    mistake: 'the first end closes both directions',
    file: 'relay/transfer/relaying.js',
    right: 'if (sink.reads.isDone)',
    wrong: 'if (true)',
  },
  {
    mistake: 'a session that ends leaves its question open',
    file: 'relay/session.js',
    right: 'this.relay.questions.withdraw(this)',
    wrong: 'this.questionToken = 0',
  },
  {
    mistake: 'a denied client gets a remote',
    file: 'relay/opening/asking.js',
    right: 'if (!verdict.isPermitted)',
    wrong: 'if (false)',
  },
  {
    mistake: 'a session that ends goes on waiting for its host',
    file: 'relay/session.js',
    right: 'this.lookup?.waiting.delete(this)',
    wrong: '',
  },
  {
    mistake: 'bytes that decide the protocol are taken from the socket',
    file: 'relay/opening/early-bytes.js',
    right: 'system.calls.peek(',
    wrong: 'system.calls.recv(',
  },
  {
    mistake: 'a client whose protocol is undecided is served at once',
    file: 'relay/opening/detecting.js',
    right: '(isFinal ? detectAtEnd : detect)',
    wrong: 'detectAtEnd',
  },
  {
    mistake: 'an end that came while a question was open is forgotten',
    file: 'relay/opening/early-bytes.js',
    right: 'client.hasPeerEnded || client.hasUrgent',
    wrong: 'client.hasUrgent',
  },
  {
    mistake: 'a full sink is never tried again',
    file: 'relay/transfer/relaying.js',
    right: 'connection.writes.isBlocked)\n        session.run(connection.writes)',
    wrong: 'false)\n        session.run(connection.writes)',
  },
  {
    mistake: 'a source that was paused is never resumed',
    file: 'relay/transfer/relaying.js',
    right: 'session.again(source, source.readsWhenWritable ? WRITABLE : READABLE);',
    wrong: '',
  },
  {
    mistake: 'a resting source is never read again',
    file: 'relay/transfer/relaying.js',
    right: 'session.runSoon(way);',
    wrong: '',
  },
  {
    mistake: 'freezing loses buffered bytes',
    file: 'relay/closing/frozen.js',
    right: 'held.bytes.slice(heldOffset, heldOffset + heldBytes)',
    wrong: 'new Uint8Array(0)',
  },
  {
    mistake: 'a place is taken without a look whether another worker has taken the last one',
    file: 'cells/places.js',
    right: 'if (taken >= max)\n                return false',
    wrong: '',
  },
  {
    mistake: 'a client that leaves while it waits stays in the queue',
    file: 'relay/session.js',
    right: "if (this.phase === 'queued')\n            leaveQueue(this)",
    wrong: '',
  },
  {
    mistake: 'a new client overtakes waiting ones',
    file: 'relay/opening/attempts.js',
    right: 'mustQueue(session) ? FULL : ',
    wrong: '',
  },
  {
    mistake: 'nobody looks for places that other workers free',
    file: 'relay/opening/pool-queue.js',
    right: 'onTimer() {',
    wrong: 'onTimer() {\n        return;',
  },
  {
    mistake: 'a failed remote stays counted as used',
    file: 'relay/opening/failures.js',
    right: 'remotes.giveBack(slot);',
    wrong: '',
  },
  {
    mistake: 'a client has more attempts than it may',
    file: 'balance/attempt-limit.js',
    right: 'attempts >= attemptsMax',
    wrong: 'attempts > attemptsMax',
  },
  {
    mistake: 'retries use up no budget',
    file: 'relay/opening/attempt-limits.js',
    right: 'retryBudget?.count(dialling.attempts, relay.loop.nowMs);',
    wrong: '',
  },
  {
    mistake: 'the next address of a remote is tried without looking at the limits',
    file: 'relay/opening/attempts.js',
    right: 'isAlone ? endAtLimit(session) : ',
    wrong: 'isAlone ? false : ',
  },
  {
    mistake: 'a session that ends while it dials leaves parallel attempts open',
    file: 'relay/session.js',
    right: 'this.#dialling.parallel.close(this.relay);',
    wrong: '',
  },
  {
    mistake: 'parallel attempts go on beside a TLS handshake',
    file: 'relay/opening/attempts.js',
    right: 'session.dialling.parallel.close(session.relay);',
    wrong: '',
  },
  {
    mistake: 'a client ends at a limit while an attempt is in flight',
    file: 'relay/opening/attempts.js',
    right: 'isAlone ? endAtLimit(session) : isAtLimit(session)',
    wrong: 'endAtLimit(session)',
  },
  {
    mistake: 'a further address is tried without looking at the limits',
    file: 'relay/opening/attempts.js',
    right: 'isAlone ? endAtLimit(session) : isAtLimit(session)',
    wrong: 'isAlone ? endAtLimit(session) : false',
  },
  {
    mistake: 'a remote has failed while an attempt is in flight',
    file: 'relay/opening/attempts.js',
    right: ' || resumeParallel(session)',
    wrong: '',
  },
  {
    mistake: 'the descriptor of a failed attempt is taken for a parallel one',
    file: 'relay/opening/parallel-attempts.js',
    right: 'if (attempt.fd === NO_FD)\n            this.#remove(attempt)',
    wrong: '',
  },
  {
    mistake: 'events of a parallel attempt are taken for those of the current one',
    file: 'relay/opening/parallel-attempts.js',
    right: 'session.dialling.parallel.makeCurrent(this);',
    wrong: '',
  },
  {
    mistake: 'the slower remote of a hedge keeps the place',
    file: 'relay/opening/parallel-attempts.js',
    right: 'if (attempt.isElsewhere)\n                remotes.giveBack(attempt.remoteSlot);',
    wrong: '',
  },
  {
    mistake: 'the state of a remote is lost when the other one of a hedge becomes the current one',
    file: 'relay/opening/parallel-attempts.js',
    right: 'session.remoteSlot = remoteSlot;',
    wrong: '',
  },
  {
    mistake: 'hedges use up no budget',
    file: 'relay/opening/attempts.js',
    right: 'dialling.service.hedging?.countHedge(loop.nowMs);',
    wrong: '',
  },
  {
    mistake: 'a remote that fails beside another one keeps its place',
    file: 'relay/opening/attempts.js',
    right: 'if (parallel.elsewhere !== undefined)\n        remoteFailed(session);',
    wrong: '',
  },
  {
    mistake: 'the end of a peer is taken for drained before it was read',
    file: 'relay/transfer/pump.js',
    right: 'if (source.hasPeerEnded)',
    wrong: 'if (false)',
  },
  {
    mistake: 'a pipe with bytes in it is lent to the next direction',
    file: 'relay/transfer/pipes.js',
    right: 'pipe.byteCount === 0 && ',
    wrong: 'true || ',
  },
  {
    mistake: 'bytes that a full sink leaves in the pipe are forgotten',
    file: 'relay/transfer/splicing.js',
    right: 'if (pipe.byteCount === 0)\n        way.returnPipe(pipes)',
    wrong: 'way.returnPipe(pipes)',
  },
  {
    mistake: 'some of the bytes in a pipe are taken for all',
    file: 'relay/transfer/splicing.js',
    right: 'pipe.byteCount -= took',
    wrong: 'pipe.byteCount = 0',
  },
  {
    mistake: 'new bytes overtake those in the pipe',
    file: 'relay/transfer/pump.js',
    right: 'else if (way.pipe !== undefined)',
    wrong: 'else if (false)',
  },
  {
    mistake: 'the end overtakes the bytes in the pipe',
    file: 'relay/transfer/pump.js',
    right: 'if (emptied !== GO_ON)',
    wrong: 'if (false)',
  },
  {
    mistake: 'a demoted direction drops the bytes in its pipe',
    file: 'relay/transfer/direction.js',
    right: 'this.isSpliced = false;\n        pipes.removeUser()',
    wrong: 'this.isSpliced = false;\n        this.returnPipe(pipes);\n        pipes.removeUser()',
  },
  {
    mistake: 'a short read from the source is taken for its last',
    file: 'relay/transfer/splicing.js',
    right: 'pipe.byteCount = got;',
    wrong: 'pipe.byteCount = got;\n            if (got < readBytes)\n                source.mayRead = false;',
  },
  {
    mistake: 'an interrupted splice is taken for a full sink',
    file: 'relay/transfer/splicing.js',
    right: 'if (took === -EINTR)\n            continue;',
    wrong: 'if (took === -EINTR)\n            return blocked(way);',
  },
  {
    mistake: 'freezing loses the bytes in a pipe',
    file: 'relay/closing/frozen.js',
    right: 'return { held: copy, pipe,',
    wrong: 'return { held: copy, pipe: undefined,',
  },
  {
    mistake: 'the pipe of a session that ends stays open',
    file: 'relay/transfer/direction.js',
    right: 'this.releaseBlock(blocks);\n        this.returnPipe(pipes)',
    wrong: 'this.releaseBlock(blocks);\n        this.pipe = undefined',
  },
  {
    mistake: 'a direction that has ended still counts as splicing',
    file: 'relay/transfer/direction.js',
    right: 'this.returnPipe(pipes);\n        this.demote(pipes)',
    wrong: 'this.returnPipe(pipes);\n        this.isSpliced = false',
  },
  {
    mistake: 'a Unix socket counts as drained after a short read',
    file: 'relay/transfer/unix-transport.js',
    right: 'shortReadDrains: false',
    wrong: 'shortReadDrains: true',
  },
  {
    mistake: 'a short read of a Unix socket ends a run',
    file: 'relay/transfer/pump.js',
    right: '!source.transport.shortReadDrains || ',
    wrong: '',
  },
  {
    mistake: 'a short read of a Unix client before dialling counts as its last',
    file: 'relay/opening/early-bytes.js',
    right: 'if (client.transport.shortReadDrains)',
    wrong: 'if (true)',
  },
  {
    mistake: 'TLS over a Unix socket trusts short reads',
    file: 'relay/connection.js',
    right: 'channel.trustsShortReceive = this.transport.shortReadDrains',
    wrong: '',
  },
  {
    mistake: 'TLS misses an end that was reported before the last bytes were read',
    file: 'relay/transfer/tls-transport.js',
    right: 'tls.mayHaveMore || source.hasPeerEnded',
    wrong: 'tls.mayHaveMore',
  },
  {
    mistake: 'the bytes of a Unix socket are spliced',
    file: 'relay/transfer/unix-transport.js',
    right: 'canSplice: false',
    wrong: 'canSplice: true',
  },
  {
    mistake: 'a thawed Unix socket is taken for TCP',
    file: 'relay/closing/frozen.js',
    right: "transport === UNIX ? 'unix' : 'tcp'",
    wrong: "'tcp'",
  },
  {
    mistake: 'a thawed session stays in the phase of a free record',
    file: 'relay/session.js',
    right: 'this.#handler = PHASE_HANDLERS[phase];',
    wrong: 'if (phase !== "draining") this.#handler = PHASE_HANDLERS[phase];',
  },
]

const BUILT = fileURLToPath(new URL('../../', import.meta.url))

for (const mutant of MUTANTS) {
  test(`the simulation detects when ${mutant.mistake}`, (t) => {
    // Inside the build folder, so that the mutant finds the packages.
    const folder = mkdtempSync(`${BUILT}mutant-`)
    t.after(() => rmSync(folder, { recursive: true }))
    cpSync(`${BUILT}src`, `${folder}/src`, { recursive: true })
    for (const part of ['test/simulation', 'test/support']) {
      cpSync(`${BUILT}${part}`, `${folder}/${part}`, { recursive: true })
    }
    const file = `${folder}/src/${mutant.file}`
    const code = readFileSync(file, 'utf8')
    assert.ok(code.includes(mutant.right), `${mutant.file} no longer contains: ${mutant.right}`)
    writeFileSync(file, code.replace(mutant.right, mutant.wrong))
    const run = spawnSync(process.execPath, [`${folder}/test/simulation/simulation.test.js`], {
      encoding: 'utf8',
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, TCPRELAY_TESTS: 'normal' },
    })
    assert.equal(run.status, 1, `the mutant lives: ${run.stdout.slice(-500)}`)
    assert.match(run.stdout, /TCPRELAY_SEED=/, run.stderr)
  })
}
