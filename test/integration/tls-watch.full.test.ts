import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, type TlsClient } from '../harness/tls.js'
import { makeIdentity } from '../support/certificates.js'

/** `tls watch`: the ways in which certificates are replaced. */

/** Two looks, three seconds apart, and the reading on a busy machine. */
const NOTICED_MAX_MS = 30_000

const KEPT = /the old one goes on/

const shownTo = ({ socket }: TlsClient) => String(socket.getPeerCertificate().subject.CN)

/** A folder `current`, as of Kubernetes and certbot: a link to the folder with the files. */
class Certificates {
  readonly #folder: string
  #versions = 0

  constructor(t: TestContext) {
    this.#folder = temporaryFolder(t)
    this.swap('first')
  }

  get directives(): readonly string[] {
    const [certificate, key] = ['cert.pem', 'key.pem'].map((name) => this.#path('current', name))
    return [`tls cert-file = ${certificate}`, `tls key-file = ${key}`]
  }

  /** Switches the link to another folder atomically. */
  swap(name: string): void {
    const version = `${++this.#versions}`
    mkdirSync(this.#path(version))
    const identity = makeIdentity({ name })
    writeFileSync(this.#path(version, 'cert.pem'), identity.pem)
    writeFileSync(this.#path(version, 'key.pem'), identity.keyPem)
    symlinkSync(version, this.#path('next'))
    renameSync(this.#path('next'), this.#path('current'))
  }

  /** Replaces each file by rename. */
  replace(name: string): void {
    const identity = makeIdentity({ name })
    for (const [file, content] of [
      ['cert.pem', identity.pem],
      ['key.pem', identity.keyPem],
    ] as const) {
      writeFileSync(this.#path('new'), content)
      renameSync(this.#path('new'), this.#path('current', file))
    }
  }

  /** Overwrites the files in place. */
  write(name: string): void {
    const identity = makeIdentity({ name })
    writeFileSync(this.#path('current', 'cert.pem'), identity.pem)
    writeFileSync(this.#path('current', 'key.pem'), identity.keyPem)
  }

  break(): void {
    writeFileSync(this.#path('current', 'cert.pem'), 'rubbish')
  }

  remove(): void {
    rmSync(this.#path('current', 'key.pem'))
  }

  #path(...names: readonly string[]): string {
    return join(this.#folder, ...names)
  }
}

for (const isSingle of [true, false]) {
  test(`${isSingle ? 'a single process' : 'children'}: replaced files are used, however it is done`, async (t) => {
    const certificates = new Certificates(t)
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote)
      .with(...certificates.directives, 'tls watch = yes')
      .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    const relay = isSingle
      ? await plan.start(t)
      : await startMaster(t, plan.withMaster(spawning([2, 2], [1, 100])), { children: 2 })
    const sessions: TlsClient[] = []
    /** As many as there are children, and they stay connected. */
    const comes = async (wanted: string) => {
      for (let i = 0; i < 2; i++) {
        const client = await connectTls(t, relay.port())
        assert.equal(shownTo(client), wanted)
        sessions.push(client)
      }
      for (const client of sessions) assert.equal(await client.exchange(wanted), wanted)
    }
    await comes('first')
    let taken = 0
    let refused = 0
    const takes = async (name: string) => {
      await relay.logged(IN_FORCE, ++taken, NOTICED_MAX_MS)
      await comes(name)
    }
    const refuses = async (name: string) => {
      await relay.logged(KEPT, ++refused, NOTICED_MAX_MS)
      await comes(name)
    }
    certificates.replace('renamed')
    await takes('renamed')
    certificates.write('written')
    await takes('written')
    certificates.swap('linked')
    await takes('linked')
    certificates.break()
    await refuses('linked')
    await relay.logged(/\.cfg:\d+:\d+: '.*cert\.pem': the certificate cannot be read: /)
    certificates.write('repaired')
    await takes('repaired')
    certificates.remove()
    await refuses('repaired')
    await relay.logged(/\.cfg:\d+:\d+: cannot read '.*key\.pem': no such file or directory/)
    certificates.write('back')
    await takes('back')
    for (const client of sessions) await client.close()
  })
}
