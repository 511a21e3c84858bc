/** The command `mavis-test`: asks the modules of a configuration about one client and prints every step. */
import { readFileSync } from 'node:fs'
import { parseHostLiteral } from '../base/address.js'
import { type ClientIdentity, type Question, REFUSALS, type Verdict } from '../base/authorization.js'
import { readableText } from '../base/byte-string.js'
import { EXIT_NO_INPUT, EXIT_NOT_PERMITTED, EXIT_OK, EXIT_USAGE } from '../base/exit-codes.js'
import { ATTRIBUTES } from '../base/mavis-attributes.js'
import { mavisSettings } from '../config/mavis-settings.js'
import { renderProblems } from '../config/problem-text.js'
import { writeText } from '../control/process/log-setup.js'
import { linuxSystem } from '../kernel/linux-system.js'
import { Authorizer } from '../mavis/authorizer.js'
import { DOWN, FINAL, IGNORE, TIMEOUT } from '../mavis/module.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { Step } from '../mavis/step.js'
import { Boundary } from '../observe/boundary.js'
import { printable } from '../observe/log.js'
import { exitCodeFor, hasErrors } from '../plan/check/check.js'
import { type LoadOptions, loadFrom } from '../plan/load/load.js'
import { identityOf } from '../relay/opening/client-identity.js'
import { freeCertificate, readCertificates } from '../tls/certificate.js'
import { certificateFacts } from '../tls/x509-facts.js'
import type { MavisTestArguments } from './arguments.js'

/** Names of the codes in the protocol. */
const CODE_NAMES: Readonly<Record<number, string>> = {
  [FINAL]: 'FINAL',
  [IGNORE]: 'IGNORE',
  [TIMEOUT]: 'TIMEOUT',
  [DOWN]: 'DOWN',
}

/** Exit codes: 0 when the client is permitted, 1 when it is not, those of a start when the configuration is wrong. */
export async function runMavisTest(options: LoadOptions & MavisTestArguments): Promise<void> {
  const loaded = await loadFrom(options)
  if (loaded.problems.length > 0) writeText(renderProblems(loaded.problems, loaded.sources))
  if (hasErrors(loaded.problems)) {
    process.exitCode = exitCodeFor(loaded.problems)
    return
  }
  // Helper processes inherit what `setenv` sets.
  for (const [name, value] of loaded.environment) process.env[name] = value
  const mavis = mavisSettings(loaded.tcprelay)
  const question = questionOf(options, mavis)
  if ('exitCode' in question) {
    writeText(`${options.program}: ${question.problem}\n`)
    process.exitCode = question.exitCode
    return
  }
  const verdict = await ask(question, mavis)
  show(verdictText(verdict))
  process.exitCode = verdict.isPermitted ? EXIT_OK : EXIT_NOT_PERMITTED
}

/** The question that a session of this client would ask; or the problem, with its exit code. */
function questionOf(
  { address, certificate }: MavisTestArguments,
  { authorization }: MavisSettings,
): Question | { readonly problem: string; readonly exitCode: number } {
  const literal = parseHostLiteral(address)
  if (literal === undefined) return { problem: `'${address}' is not an IP address`, exitCode: EXIT_USAGE }
  if (authorization === 'none')
    return { problem: "'mavis authorization' is none: no module is asked", exitCode: EXIT_USAGE }
  const identity = certificate === undefined ? undefined : identityIn(certificate)
  if (identity !== undefined && 'problem' in identity) return { ...identity, exitCode: EXIT_NO_INPUT }
  if (authorization === 'user' && identity === undefined)
    return { problem: "'mavis authorization' is user: give a certificate file", exitCode: EXIT_USAGE }
  const client =
    literal.family === 'ipv6' && literal.scope !== '' ? `${literal.host}%${literal.scope}` : literal.host
  // One question in this process: token and slot only have to be constant.
  return { token: 1, childSlot: 0, client, server: '', realm: '', serverName: undefined, identity }
}

/** The identity in the first certificate of a file, as after a handshake with it. */
function identityIn(file: string): ClientIdentity | { readonly problem: string } | undefined {
  let problem = ''
  try {
    const [leaf, ...chain] = readCertificates(readFileSync(file), (message) => {
      problem = message
    })
    if (leaf !== undefined) {
      const peer = certificateFacts(leaf)
      freeCertificate({ leaf, chain, key: 0 })
      return identityOf({ peer, pskIdentity: undefined })
    }
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  return { problem: `cannot read the certificate ${file}: ${problem}` }
}

/** Asks once, then stops the authorizer and its helpers. */
async function ask(question: Question, mavis: MavisSettings): Promise<Verdict> {
  const { clock } = linuxSystem()
  const say = (_severity: number, text: string) => show(`log: ${text}`)
  const nowMs = () => clock.monotonicMs()
  const authorizer = new Authorizer(mavis, { say, nowMs, boundary: new Boundary(say, nowMs) })
  let timer: NodeJS.Timeout | undefined
  const verdict = await new Promise<Verdict>((resolve) => {
    // As the reactor, which stops waiting after `mavis timeout`.
    timer = setTimeout(
      () => resolve({ isPermitted: false, refusal: 'timeout', comment: '' }),
      mavis.timeoutMs,
    )
    authorizer.ask(question, resolve, showStep)
  })
  clearTimeout(timer)
  await authorizer.close()
  return verdict
}

/** One step of the chain: a query, or what a module answered, with the attributes that it changed. */
function showStep({ changes, module, outcome, what }: Step): void {
  const end = typeof outcome === 'number' ? (CODE_NAMES[outcome] ?? `code ${outcome}`) : outcome
  const who = module === '' ? '' : `module ${module}: `
  show(`${who}${what}${end === undefined ? '' : `: ${end}`}`)
  for (const [attribute, value] of changes) {
    const name = ATTRIBUTES[attribute] ?? attribute
    if (value !== undefined) show(`    ${name} = ${readableText(value)}`)
    else if (what !== 'query') show(`    ${name} removed`)
  }
}

function verdictText(verdict: Verdict): string {
  if (verdict.isPermitted) return 'permitted'
  const why = REFUSALS[verdict.refusal]
  return verdict.comment === '' ? `not permitted: ${why}` : `not permitted: ${why}: ${verdict.comment}`
}

/** Control characters are escaped: helpers and certificates may contain any. */
function show(line: string): void {
  process.stdout.write(`${printable(line)}\n`)
}
