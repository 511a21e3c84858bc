/** The files of deploy/ do what docs/scale-out.md says: they are read by the programs that they are for, and scripts are run. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { needs } from '../harness/needs.js'
import { fileOfProject, Program, startTcprelay, TCPRELAY, tcprelay } from '../harness/program.js'
import { Relay, relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'
import { examplesOf } from './pages.js'

const CHECK = 'deploy/check-serving'
const INSTALLED_CHECK = '/usr/local/lib/tcprelay/check-serving'
const PAGE = 'docs/scale-out.md'

const textOf = (path: string): string => readFileSync(fileOfProject(path), 'utf8')

const files = readdirSync(fileOfProject('deploy'), { recursive: true })
  .map((name) => `deploy/${name}`)
  .filter((path) => statSync(fileOfProject(path)).isFile())

/** Runs a program that checks a file, and shows what it says. */
function accepts(t: TestContext, file: string, ...words: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(file, words, { encoding: 'utf8' })
  t.diagnostic(`${file}: ${status}`)
  assert.equal(status, 0, stdout + stderr)
}

function writeScript(folder: string, name: string, ...lines: readonly string[]): string {
  const file = join(folder, name)
  writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
  return file
}

/** The first literal block of a manifest after this text, without its indentation. */
function blockAfter(path: string, beginning: string): string {
  const text = textOf(path)
  const at = text.indexOf(beginning)
  assert.ok(at >= 0, `${path} has '${beginning}'`)
  const [, ...lines] = text.slice(at + beginning.length).split('\n')
  const indent = /^ */.exec(lines[0] ?? '')?.[0] ?? ''
  const end = lines.findIndex((line) => line !== '' && !line.startsWith(indent))
  return lines
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.slice(indent.length))
    .join('\n')
}

const configuration = () => blockAfter('deploy/kubernetes/configmap.yaml', 'tcprelay.cfg: |')

const checkPortOf = (text: string) => /name = check\b.* port = (\d+)/.exec(text)?.[1]

test('the page links every file', () => {
  const page = textOf(PAGE)
  assert.ok(files.length >= 9)
  assert.deepEqual(
    files.filter((path) => !page.includes(`](../${path})`)),
    [],
  )
})

test('all files have the same path and port of the check, and the same address of the service', () => {
  const naming = files.filter((path) => textOf(path).includes('check-serving') && path !== CHECK)
  assert.ok(naming.length >= 3)
  for (const path of naming) assert.ok(textOf(path).includes(INSTALLED_CHECK), path)
  assert.ok(textOf(CHECK).includes(INSTALLED_CHECK))

  const [, port] = /\$\{1:-(\d+)\}/.exec(textOf(CHECK)) ?? []
  const shown = examplesOf(PAGE).find(({ text }) => text.includes('name = check'))?.text ?? ''
  assert.equal(checkPortOf(shown), port)
  assert.equal(checkPortOf(configuration()), port)
  assert.ok(textOf('deploy/kubernetes/deployment.yaml').includes(`/dev/tcp/127.0.0.1/${port} `))

  for (const path of ['bird/bird.conf', 'exabgp/exabgp.conf', 'keepalived/keepalived.conf'])
    assert.match(textOf(`deploy/${path}`), /^[^#\n]*192\.0\.2\.100\/(32|24)/m, path)
  assert.match(textOf('deploy/bird/bird.conf'), /^protocol static tcprelay \{/m)
})

test('the configuration of the ConfigMap has no errors', async (t) => {
  const file = join(temporaryFolder(t), 'tcprelay.cfg')
  // No name is looked up outside of this machine.
  writeFileSync(file, configuration().replaceAll(/db-(\d)\.\S+\.local/g, '192.0.2.1$1'))
  const { code, stderr } = await tcprelay(t, ['-P', file])
  assert.deepEqual([stderr, code], ['', 0])
})

test('the check tells whether the relay serves', async (t) => {
  const folder = temporaryFolder(t)
  const drain = join(folder, 'drain')
  const relay = await relayTo({ directive: '127.0.0.1:9' })
    .listeningOn('name = check address = 127.0.0.1 port = 0')
    .with('route = { listener = check reject = close }', 'access log = stderr')
    .start(t)
  const check = (seconds: number): number | null => {
    const words = [String(relay.port()), String(seconds)]
    const env = { ...process.env, TCPRELAY_DRAIN: drain }
    return spawnSync(fileOfProject(CHECK), words, { env }).status
  }
  assert.equal(check(10), 0)
  await relay.logged(/ listener=check .* end=rejected-by-route /)

  writeFileSync(drain, '')
  assert.equal(check(10), 1, 'taken out of service')
  rmSync(drain)

  relay.signal('SIGSTOP')
  assert.notEqual(check(0.2), 0, 'the kernel accepts for a process that hangs')
  relay.signal('SIGCONT')
  assert.equal(check(10), 0)

  relay.signal('SIGTERM')
  await relay.ended()
  assert.notEqual(check(10), 0)
})

test('the relay reloads when the kubelet replaces the files of the ConfigMap, unless they are wrong', async (t) => {
  const folder = temporaryFolder(t)
  const [etc, pidfile] = [join(folder, 'etc'), join(folder, 'tcprelay.pid')]
  mkdirSync(etc)
  let version = 0
  /** As the kubelet does it. */
  const publish = (text: string) => {
    const data = `..${++version}`
    mkdirSync(join(etc, data))
    writeFileSync(join(etc, data, 'tcprelay.cfg'), text)
    symlinkSync(data, join(etc, '..new'))
    renameSync(join(etc, '..new'), join(etc, '..data'))
  }
  const text = relayTo({ directive: '127.0.0.1:9' }).text
  publish(text)
  symlinkSync('..data/tcprelay.cfg', join(etc, 'tcprelay.cfg'))
  const relay = new Relay(t, startTcprelay(t, ['-D', '-p', pidfile, join(etc, 'tcprelay.cfg')]), etc)
  await relay.serves(1)

  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeScript(bin, 'tcprelay', `exec ${process.execPath} ${TCPRELAY} "$@"`)
  writeScript(bin, 'sleep', `test "$1" = 5 && touch ${folder}/sleeps && exec /bin/sleep 0.05`)
  const script = blockAfter('deploy/kubernetes/deployment.yaml', '- |')
    .replaceAll('/etc/tcprelay', etc)
    .replaceAll('/run/tcprelay/tcprelay.pid', pidfile)
  const loop = new Program(t, ['sh', '-c', script], { env: { PATH: `${bin}:${process.env.PATH}` } })
  await until('the script to sleep', () => existsSync(join(folder, 'sleeps')))

  publish(text.replace('127.0.0.1:9', '127.0.0.1:10'))
  await relay.logged(/the new configuration is in force/)
  publish('id = spawnd { lisen }')
  await loop.stderr.reached(/tcprelay\.cfg:1:\d+: /)
  publish(text)
  await relay.logged(/the new configuration is in force/, 2)
  assert.equal(relay.program.stderr.matching(/tcprelay\.cfg:1:/).length, 0, 'not signalled with a wrong file')
})

/** Runs announce-while-serving with a `birdc` that only logs its arguments. */
function announcing(
  t: TestContext,
  folder: string,
  check: string,
): { loop: Program; commands: () => string[] } {
  const bin = join(folder, 'bin')
  const log = join(folder, 'log')
  mkdirSync(bin)
  writeFileSync(log, '')
  writeScript(bin, 'birdc', `echo "$@" >> ${log}`)
  const env = {
    CHECK: writeScript(folder, 'check', check),
    INTERVAL: '0.02',
    PATH: `${bin}:${process.env.PATH}`,
  }
  const loop = new Program(t, [fileOfProject('deploy/bird/announce-while-serving')], { env })
  return { loop, commands: () => readFileSync(log, 'utf8').split('\n').slice(0, -1) }
}

test('BIRD announces while the check succeeds, and withdraws at the end', async (t) => {
  const folder = temporaryFolder(t)
  const serving = join(folder, 'serving')
  const { loop, commands } = announcing(t, folder, `test -e ${serving}`)
  const isCommanded = (word: string) =>
    until(`the command '${word}'`, () => commands().at(-1) === `${word} tcprelay`)
  await isCommanded('disable')
  writeFileSync(serving, '')
  await isCommanded('enable')
  rmSync(serving)
  await isCommanded('disable')
  writeFileSync(serving, '')
  await isCommanded('enable')
  loop.signal('SIGTERM')
  assert.deepEqual(await loop.ended(), { code: 0, signal: null })
  assert.equal(commands().at(-1), 'disable tcprelay')
})

test('BIRD gets no command while checks succeed and fail in turns', async (t) => {
  const folder = temporaryFolder(t)
  const count = join(folder, 'count')
  writeFileSync(count, '')
  const { commands } = announcing(t, folder, `echo >> ${count}; test $(($(wc -l < ${count}) % 2)) = 0`)
  await until('twelve checks', () => readFileSync(count).length >= 12)
  assert.deepEqual(commands(), [])
})

test('keepalived accepts its file', (t) => {
  if (!needs(t, 'keepalived')) return
  if (process.getuid?.() !== 0) return t.skip('keepalived needs root')
  const file = join(temporaryFolder(t), 'keepalived.conf')
  // It checks that the script exists; keepalived 2.2.7 kills itself where it checks that for another user.
  const text = textOf('deploy/keepalived/keepalived.conf').replace(INSTALLED_CHECK, '/bin/true')
  writeFileSync(file, text.replace('script_user nobody', 'script_user root'))
  accepts(t, 'keepalived', '--config-test', '--use-file', file)
})

test('BIRD accepts its file', (t) => {
  if (!needs(t, 'bird')) return
  accepts(t, 'bird', '-p', '-c', fileOfProject('deploy/bird/bird.conf'))
})

test('ExaBGP accepts its file', (t) => {
  if (!needs(t, 'exabgp')) return
  accepts(t, 'exabgp', '--test', fileOfProject('deploy/exabgp/exabgp.conf'))
})

test('systemd accepts the unit that announces', (t) => {
  if (!needs(t, 'systemd-analyze')) return
  const file = join(temporaryFolder(t), 'tcprelay-announce.service')
  const text = textOf('deploy/bird/tcprelay-announce.service')
  writeFileSync(file, text.replace('/usr/local/lib/tcprelay/announce-while-serving', '/bin/true'))
  accepts(t, 'systemd-analyze', 'verify', file)
})
