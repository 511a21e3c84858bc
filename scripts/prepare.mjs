// Makes a fresh clone runnable: installs the dependencies when they are missing or out of date, then builds.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (error) console.error(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

// `npm ci`, because it installs exactly what the lock file says and never writes to it: a clone stays clean.
const installed = 'node_modules/.package-lock.json'
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}
// tsc leaves the output of deleted sources behind; the build record goes with it when dist was removed.
run('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'])
run('node', ['scripts/bundle.mjs'])
