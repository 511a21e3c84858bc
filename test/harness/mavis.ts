/** A MAVIS helper whose answers the test sets by rules, and clients with addresses of their own. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import { Client } from './client.js'
import { fileOfProject } from './program.js'
import { replaceFile } from './replace-file.js'
import { within } from './until.js'

/** Client addresses, all on this machine. */
export const ANN = '127.0.0.2'
export const BOB = '127.0.0.3'
export const CYD = '127.0.0.4'

/** The rules of a helper in Python, which rereads them for each query, and the queries it got. */
export class Policy {
  readonly #rules: string
  readonly #asked: string

  /** `rules`: by user, what `test/harness/mavis/policy.py` does. */
  constructor(t: TestContext, rules: Readonly<Record<string, string>>) {
    const folder = temporaryFolder(t)
    this.#rules = join(folder, 'rules')
    this.#asked = join(folder, 'asked')
    writeFileSync(this.#rules, '')
    for (const [user, rule] of Object.entries(rules)) this.add(user, rule)
  }

  add(user: string, rule: string): void {
    appendFileSync(this.#rules, `${user} ${rule}\n`)
  }

  set(user: string, rule: string): void {
    replaceFile(this.#rules, `${user} ${rule}\n`)
  }

  /** The directive for section tcprelay. */
  module(count: number, more = ''): string {
    const program = fileOfProject('test/harness/mavis/policy.py')
    const words = `"${program}" policy.py "${this.#rules}" "${this.#asked}"`
    return `mavis module policy = external { exec = ${words} childs min = ${count} childs max = ${count} ${more} }`
  }

  /** The queries so far, each `[USER, SERIAL, IPADDR, REALM, VHOST]`. */
  get asked(): string[][] {
    if (!existsSync(this.#asked)) return []
    const lines = readFileSync(this.#asked, 'latin1').split('\n')
    return lines.slice(0, -1).map((line) => line.split(' '))
  }
}

/** A client with an address of its own. */
export async function clientFrom(t: TestContext, address: string, port: number): Promise<Client> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    localAddress: address,
    allowHalfOpen: true,
    noDelay: true,
  })
  const client = new Client(t, socket)
  const decided = new Promise<void>((resolve) => {
    socket.once('connect', () => resolve()).once('close', () => resolve())
  })
  await within('a connection', decided)
  return client
}
