import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { runNpm } from '../harness/npm.js'
import { fileOfProject } from '../harness/program.js'

/** npm packages that consist of one Node binary; a version of the package is the version of Node. */
const PACKAGE = `node-linux-${process.arch}`

/** Far longer than the download of 60 MB should take. */
const INSTALL_MAX_MS = 300_000

const installed = new Map<number, string | Error>()

/**
 * The newest Node of this major version, installed once and kept below node_modules. If it cannot be installed, the
 * test is skipped with the reason, or fails if TCPRELAY_REQUIRE_PEERS is set.
 */
export function nodeBinary(t: TestContext, major: number): string | undefined {
  const found = installed.get(major) ?? install(major)
  installed.set(major, found)
  if (typeof found === 'string') return found
  if (process.env.TCPRELAY_REQUIRE_PEERS) throw found
  t.skip(found.message)
  return undefined
}

function install(major: number): string | Error {
  const folder = fileOfProject(`node_modules/.cache/tcprelay-node-${major}`)
  mkdirSync(folder, { recursive: true })
  // Without a manifest of its own npm would use the one of the project.
  writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
  const { status, stderr } = runNpm(
    ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-online', `${PACKAGE}@${major}`],
    { cwd: folder, timeout: INSTALL_MAX_MS },
  )
  const binary = `${folder}/node_modules/${PACKAGE}/bin/node`
  // An earlier installation is good enough if the registry cannot be reached.
  if (existsSync(binary)) return binary
  return new Error(`${PACKAGE}@${major} cannot be installed: ${stderr?.trim() || `npm ended with ${status}`}`)
}
