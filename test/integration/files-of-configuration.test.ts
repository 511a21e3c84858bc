import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { tcprelay } from '../harness/program.js'

const SECTIONS = `id = spawnd { listen { address = 127.0.0.1 port = 0 } }
id = tcprelay { remote { 127.0.0.1:9 } `

/** What a start and `-P` report about a configuration: the same. */
for (const options of [['-D'], ['-P']]) {
  test(`an include that exists and cannot be read is an error (${options})`, async (t) => {
    const folder = temporaryFolder(t)
    symlinkSync('rules.cfg', join(folder, 'rules.cfg'))
    mkdirSync(join(folder, 'folder'))
    const file = join(folder, 'relay.cfg')
    for (const [include, reason] of [
      ['rules.cfg', 'too many symbolic links encountered'],
      ['*.cfg', 'too many symbolic links encountered'],
      ['rules.cfg/*', 'too many symbolic links encountered'],
      ['folder', 'it is a directory'],
      ['relay.cfg/x', 'not a directory'],
    ]) {
      writeFileSync(file, `include ${folder}/${include}\n${SECTIONS} }`)
      const { code, stderr } = await tcprelay(t, [...options, file])
      assert.equal(code, 78, include)
      const place = String.raw`relay\.cfg:1:9: cannot read '${folder}/`
      assert.match(stderr, new RegExp(`${place}.*': ${reason}`), include)
    }
  })
}

test('an include that does not exist is a warning with the path that was looked up', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, `include nowhere/x.cfg\n${SECTIONS} }`)
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.equal(code, 0)
  assert.ok(stderr.includes(`relay.cfg:1:9: warning: no file matches '${process.cwd()}/nowhere/x.cfg'`))
})

test('a relative file name that cannot be read is reported with its absolute path', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  for (const [directive, doing] of [
    ['tls cert-file = no.pem', 'read'],
    ['mavis module = external { exec = no/helper }', 'run'],
    ['mavis module = remote { server { address = 127.0.0.1 blowfish keyfile = no.key } }', 'read'],
    ['access log = no/access.log', 'use directory'],
  ]) {
    writeFileSync(file, `${SECTIONS}\n${directive} }`)
    const { code, stderr } = await tcprelay(t, ['-P', file])
    assert.equal(code, 78)
    assert.ok(stderr.includes(`cannot ${doing} '${process.cwd()}/no`), stderr)
    assert.match(stderr, /relay\.cfg:3:\d+: .*: no such file or directory\n/)
  }
})
