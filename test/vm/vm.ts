import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileOfProject } from '../harness/program.js'

/**
 * A kernel for tests: User Mode Linux, which runs as an ordinary process, shares the files of this machine and
 * has protocols that the kernel here may lack. Its packages are Debian's, downloaded once and not installed.
 */

/** Below the checkout, but not a part of it. */
const CACHE = fileOfProject('.cache/vm')
const PACKAGES = ['user-mode-linux', 'kmod', 'libkmod2']
const PROGRAMS = ['apt-get', 'dpkg-deb', 'gcc', 'tar', 'sh']

/** The used parts of the kernel package's 116 MB: the kernel and its networking modules. */
const KERNEL_FILES = [
  'usr/bin/linux.uml',
  ...modules('modules.*', 'kernel/net/*', 'kernel/crypto/*', 'kernel/lib/*'),
]

/** Timeout to download and unpack some 45 MB. */
const FETCH_MAX_MS = 300_000
const MEMORY = '768M'

function modules(...patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `usr/lib/uml/modules/*/${pattern}`)
}

/** Prepares everything that a guest needs; returns why that is impossible, undefined on success. */
export function prepareVm(): string | undefined {
  if (process.arch !== 'x64') return `User Mode Linux is not there for ${process.arch}`
  const missing = PROGRAMS.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  mkdirSync(CACHE, { recursive: true })
  return unpackPackages() ?? compile()
}

/** Runs a program; returns its output if it failed. */
function attempt(file: string, words: readonly string[]): string | undefined {
  const { error, status, stderr, stdout } = spawnSync(file, words, {
    cwd: CACHE,
    encoding: 'utf8',
    timeout: FETCH_MAX_MS,
  })
  if (status === 0) return undefined
  return `${file} ${words[0]}: ${error?.message ?? `${stderr}${stdout}`.trim().split('\n').at(-1)}`
}

function unpackPackages(): string | undefined {
  if (existsSync(join(CACHE, 'unpacked'))) return undefined
  const failure = fetchPackages()
  if (failure !== undefined) return failure
  const file = (name: string) => readdirSync(CACHE).find((entry) => entry.startsWith(`${name}_`)) ?? name
  const members = KERNEL_FILES.map((pattern) => `'./${pattern}'`).join(' ')
  const steps = [
    `dpkg-deb --fsys-tarfile ${file('user-mode-linux')} | tar -x --wildcards ${members}`,
    `dpkg-deb -x ${file('kmod')} tools`,
    `dpkg-deb -x ${file('libkmod2')} tools`,
  ]
  const unpacked = attempt('sh', ['-c', steps.join(' && ')])
  if (unpacked !== undefined) return unpacked
  writeModprobe()
  writeFileSync(join(CACHE, 'unpacked'), '')
  return undefined
}

/** With the system's package lists, or with own ones if it has none. */
function fetchPackages(): string | undefined {
  if (PACKAGES.every((name) => readdirSync(CACHE).some((file) => file.startsWith(`${name}_`))))
    return undefined
  const download = ['-q', '-o', 'APT::Sandbox::User=', 'download', ...PACKAGES]
  if (attempt('apt-get', download) === undefined) return undefined
  const state = join(CACHE, 'apt')
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(state, folder), { recursive: true })
  }
  const own = ['-o', `Dir::State::Lists=${state}/lists`, '-o', `Dir::Cache=${state}/cache`]
  return (
    attempt('apt-get', ['-q', '-o', 'APT::Sandbox::User=', ...own, 'update']) ??
    attempt('apt-get', [...own, ...download])
  )
}

/** What the guest's kernel calls to load a module: a program that knows neither library nor folder. */
function writeModprobe(): void {
  const library = readdirSync(join(CACHE, 'tools'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('libkmod.so'))
    .map((path) => join(CACHE, 'tools', path, '..'))
  mkdirSync(join(CACHE, 'tools/lib'), { recursive: true })
  const link = join(CACHE, 'tools/lib/modules')
  rmSync(link, { force: true })
  symlinkSync(join(CACHE, 'usr/lib/uml/modules'), link)
  const kmod =
    ['bin/kmod', 'usr/bin/kmod'].find((path) => existsSync(join(CACHE, 'tools', path))) ?? 'bin/kmod'
  // kmod chooses its tool by the name that it is called by.
  mkdirSync(join(CACHE, 'sbin'), { recursive: true })
  rmSync(join(CACHE, 'sbin/modprobe'), { force: true })
  symlinkSync(join(CACHE, 'tools', kmod), join(CACHE, 'sbin/modprobe'))
  const script = join(CACHE, 'modprobe')
  const lines = [
    '#!/bin/sh',
    `export LD_LIBRARY_PATH='${library[0]}'`,
    `exec '${join(CACHE, 'sbin/modprobe')}' -d '${join(CACHE, 'tools')}' "$@"`,
  ]
  writeFileSync(script, `${lines.join('\n')}\n`)
  chmodSync(script, 0o755)
}

function compile(): string | undefined {
  const source = (name: string) => fileOfProject(`test/vm/${name}.c`)
  return (
    attempt('gcc', ['-O2', '-o', join(CACHE, 'init'), source('uml_init')]) ??
    attempt('gcc', ['-O2', '-shared', '-fPIC', '-o', join(CACHE, 'registers.so'), source('uml_registers')])
  )
}

export interface VmRun {
  /** Of the command; undefined when the guest ended without one. */
  readonly status: number | undefined
  readonly output: string
  /** The console output of the guest's kernel. */
  readonly console: string
}

/** Boots a guest that runs this shell line in the checkout, and ends. */
export async function runInVm(line: string, deadlineMs: number): Promise<VmRun> {
  const job = mkdtempSync(join(tmpdir(), 'tcprelay-vm-'))
  try {
    return await boot(job, line, deadlineMs)
  } finally {
    rmSync(job, { recursive: true, force: true })
  }
}

async function boot(job: string, line: string, deadlineMs: number): Promise<VmRun> {
  const { PATH = '' } = process.env
  const lines = [
    `export PATH='${PATH}' HOME=/run TMPDIR=/run/tmp`,
    `cd '${fileOfProject('.')}'`,
    `'${join(CACHE, 'modprobe')}' sctp`,
    line,
  ]
  writeFileSync(join(job, 'run'), `${lines.join('\n')}\n`)
  const words = [
    `mem=${MEMORY}`,
    'rootfstype=hostfs',
    'rootflags=/',
    'rw',
    'quiet',
    'con=null',
    'con0=null,fd:1',
    `uml_dir=${job}/uml`,
    'umid=vm',
    `init=${join(CACHE, 'init')}`,
    `vm_job=${job}`,
    `vm_modprobe=${join(CACHE, 'modprobe')}`,
  ]
  const kernel = spawn(join(CACHE, 'usr/bin/linux.uml'), words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { PATH, HOME: job, TMPDIR: '/dev/shm', LD_PRELOAD: join(CACHE, 'registers.so') },
  })
  const said: Buffer[] = []
  for (const stream of [kernel.stdout, kernel.stderr]) stream.on('data', (bytes: Buffer) => said.push(bytes))
  // It leads a process group, with the processes of its input and output.
  const deadline = setTimeout(() => killGroup(kernel.pid), deadlineMs)
  await once(kernel, 'close')
  clearTimeout(deadline)
  const text = (name: string) => (existsSync(join(job, name)) ? readFileSync(join(job, name), 'utf8') : '')
  const status = text('status')
  return {
    status: status === '' ? undefined : Number(status),
    output: text('out'),
    console: Buffer.concat(said).toString('latin1'),
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
