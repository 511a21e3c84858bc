import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout: two folders above dist/bench/system, where this file runs. */
export const PROJECT_DIR = fileURLToPath(new URL('../../..', import.meta.url))

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  }
}

/** The path of a command, as a shell would find it; Debian keeps servers in sbin, which users' PATHs lack. */
export function findCommand(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path))
}

/** The output of a command, on either stream; empty if it cannot be run. */
export function outputOf(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 5_000, cwd: PROJECT_DIR })
  return `${stdout ?? ''}${stderr ?? ''}`
}

/** The first word that looks like a version number in a command's output. */
export function versionOf(command: string, args: readonly string[]): string {
  return /\d+\.\d+[\w.+~-]*/.exec(outputOf(command, args))?.[0] ?? 'unknown version'
}

/** The measured commit, marked if files differ from it; empty outside a git checkout. */
export function commitOfProject(): string {
  const hash = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: PROJECT_DIR })
  if (hash.status !== 0) return ''
  const changes = outputOf('git', ['status', '--porcelain', '--untracked-files=no'])
  return `${hash.stdout.trim()}${changes === '' ? '' : ' with changes'}`
}
