/**
 * A program that enters the sandbox, tries what it forbids, and prints the result of each attempt as JSON: `ok`, or the name of
 * the errno. Its argument is a `ProbePlan` as JSON.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import { enterSandbox, type SandboxNeeds } from '../../src/control/process/sandbox.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { linuxSandbox } from '../../src/kernel/sandbox-calls.js'
import { systemCall } from '../../src/kernel/system-call.js'

export interface ProbePlan {
  readonly needs: SandboxNeeds
  /** `landlock`: without the filter of system calls; `filter`: without Landlock. */
  readonly only?: 'landlock' | 'filter'
  /** An existing file outside of the writable folders. */
  readonly file: string
  /** A file to create. */
  readonly created: string
}

export type ProbeResults = Readonly<Record<string, string>>

/** PTRACE_SEIZE does not stop the process, and ends with this one. */
const PTRACE_SEIZE = 0x4206
const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET] = [1, 2, 10, 16, 17]
const [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW] = [1, 2, 3]
const NOSYS = -38

const plan = JSON.parse(process.argv[2] ?? '') as ProbePlan
const sandbox = linuxSandbox()
const used = {
  ...sandbox,
  ...(plan.only === 'landlock' ? { filterSupport: () => NOSYS } : {}),
  ...(plan.only === 'filter' ? { landlockVersion: () => NOSYS } : {}),
}

/** A thread that exists before the sandbox. */
const earlier = new Worker(
  `const { parentPort } = require('node:worker_threads'); const fs = require('node:fs')
  parentPort.on('message', (file) => {
    let result = 'ok'
    try { fs.readFileSync(file) } catch (error) { result = error.code }
    parentPort.postMessage(result)
  })
  parentPort.postMessage('ready')`,
  { eval: true },
)
earlier.once('message', () => {
  const problem = enterSandbox(used, plan.needs)
  const results = problem === undefined ? attempts() : { problem }
  earlier.once('message', (inThread: string) => {
    writeSync(1, JSON.stringify({ ...results, 'open in an earlier thread': inThread }))
    process.exit(0)
  })
  earlier.postMessage(plan.file)
})

function attempts(): ProbeResults {
  const { created, file } = plan
  return {
    'open for reading': tried(() => readFileSync(file)),
    'open for writing': tried(() => closeSync(openSync(file, 'a'))),
    create: tried(() => writeFileSync(created, 'x')),
    unlink: tried(() => unlinkSync(created)),
    'start a program': codeOf(spawnSync('/bin/true').error),
    ptrace: called('ptrace', PTRACE_SEIZE, process.ppid),
    'read memory of another process': called('process_vm_readv', process.ppid, 0),
    'signal another process': tried(() => process.kill(process.ppid, 0)),
    'signal itself': tried(() => process.kill(process.pid, 0)),
    mount: called('mount', 0, 0),
    bpf: called('bpf', 0, 0),
    kexec: called('kexec_load', 0, 0),
    unshare: called('unshare', 0, 0),
    'an unlisted call': called('landlock_create_ruleset', 0, 0, 1),
    'socket: IPv4': socket(AF_INET, SOCK_STREAM),
    'socket: IPv6': socket(AF_INET6, SOCK_STREAM),
    'socket: raw': socket(AF_INET, SOCK_RAW),
    'socket: Unix stream': socket(AF_UNIX, SOCK_STREAM),
    'socket: Unix datagram': socket(AF_UNIX, SOCK_DGRAM),
    'socket: netlink': socket(AF_NETLINK, SOCK_RAW),
    'socket: packet': socket(AF_PACKET, SOCK_RAW),
  }
}

function socket(family: number, type: number): string {
  const fd = linuxCalls().socket(family, type, 0)
  if (fd >= 0) closeSync(fd)
  return named(fd)
}

function called(name: string, a: number, b: number, c = 0): string {
  return named(systemCall(name, a, b, c))
}

function named(outcome: number): string {
  return outcome >= 0 ? 'ok' : getSystemErrorName(outcome)
}

function tried(action: () => unknown): string {
  try {
    action()
    return 'ok'
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return error === undefined ? 'ok' : String((error as NodeJS.ErrnoException).code)
}
