import { type SpawnSyncReturns, spawnSync } from 'node:child_process'

/** Where scripts/run-tests.mjs leaves the additional CA certificates, which slow down every start of Node. */
const { TCPRELAY_TEST_NPM_CA_CERTS } = process.env

/** Runs npm to its end, with the CA certificates that a proxy between it and the registry may require. */
export function runNpm(
  words: readonly string[],
  options: { readonly cwd: string; readonly timeout?: number },
): SpawnSyncReturns<string> {
  const certificates =
    TCPRELAY_TEST_NPM_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS: TCPRELAY_TEST_NPM_CA_CERTS }
  return spawnSync('npm', words, { ...options, encoding: 'utf8', env: { ...process.env, ...certificates } })
}
