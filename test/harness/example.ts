/** Starts a configuration of examples/ on loopback addresses. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import { fileOfProject, type ProgramOptions, startTcprelay } from './program.js'
import { Relay } from './relay.js'

/** Texts of the example and what replaces them: `{ 'port = 443': 'address = 127.0.0.1 port = 0' }`. */
export type Changes = Readonly<Record<string, string>>

interface ExampleOptions extends ProgramOptions {
  /** Listening sockets to wait for. */
  readonly sockets?: number
}

/** Addresses of documentation (RFC 5737, RFC 3849) and paths of the system: a test must not use them. */
const FOREIGN = /\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.|2001:db8|\/(?:etc|var|run)\//

/**
 * Starts `examples/NAME` as it is, except that it runs as a single process, and that each text in `changes` is replaced
 * wherever it occurs outside of comments: addresses, ports and paths by those of the test, times by short ones.
 */
export async function startExample(
  t: TestContext,
  name: string,
  changes: Changes,
  { sockets = 1, ...options }: ExampleOptions = {},
): Promise<Relay> {
  const file = join(temporaryFolder(t), name)
  writeFileSync(file, exampleText(name, changes))
  const relay = new Relay(t, startTcprelay(t, ['-D', file], options), file)
  await relay.serves(sockets)
  return relay
}

function exampleText(name: string, changes: Changes): string {
  const original = readFileSync(fileOfProject(`examples/${name}`), 'utf8').replaceAll(/^#.*\n/gm, '')
  const changed = Object.entries(changes).reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `examples/${name} contains '${from}'`)
    return text.replaceAll(from, to)
  }, original)
  assert.doesNotMatch(withoutTemporaryFiles(changed), FOREIGN, 'the test replaces all addresses and paths')
  return changed.includes('single process')
    ? changed
    : changed.replace('id = spawnd {', 'id = spawnd {\n  single process = yes')
}

/** TMPDIR may be below /var or /run. */
function withoutTemporaryFiles(text: string): string {
  return text.replaceAll(/\S*\/tcprelay-test-\S*/g, '')
}
