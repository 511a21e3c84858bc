import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../test/config/fake-world.js'
import { unlandedProblems } from './check.js'
import { type Configuration, loadChosenConfiguration, loadConfiguration } from './load.js'
import { renderProblems } from './problem-text.js'
import { cachedSources } from './sources.js'

const IDS = { masterId: 'spawnd', childId: 'tcprelay' }
const NOTHING = { environment: new Map<string, string>(), isInetd: false }

function load(text: string, extras: Partial<Parameters<typeof loadConfiguration>[0]> = {}): Configuration {
  return loadConfiguration({ file: 'case', ...fakeWorld({ case: text }), ...IDS, ...NOTHING, ...extras })
}

/** Both sections, with the directives under test. */
function inSections(spawnd: string, tcprelay = ''): Configuration {
  const loaded = load(
    `id = spawnd { listen { port = 1 } ${spawnd} } id = tcprelay { remote { 1.2.3.4:5 } ${tcprelay} }`,
  )
  assert.deepEqual(loaded.problems, [])
  return loaded
}

function messages({ problems }: Configuration): string[] {
  return problems.map(({ message }) => message)
}

test('settings have the types and defaults of the table', () => {
  const { tcprelay, spawnd, top } = inSections('')
  const idleTimeoutMs: number = tcprelay.idleTimeoutMs
  const severity: 'INFO' | 'DEBUG' | 'ERR' | 'EMERG' | 'ALERT' | 'CRIT' | 'WARNING' | 'NOTICE' =
    top.syslogSeverity
  assert.deepEqual({ idleTimeoutMs, severity }, { idleTimeoutMs: 0, severity: 'INFO' })
  assert.equal(tcprelay.connectTimeoutMs, 10_000)
  assert.equal(tcprelay.dialTimeoutMs, 30_000)
  assert.equal(tcprelay.dialRetries, 3)
  assert.equal(tcprelay.halfCloseTimeoutMs, 0)
  assert.equal(tcprelay.gracePeriodMs, 10_000)
  assert.equal(tcprelay.tcpKeepalive, true)
  assert.equal(tcprelay.accessLog, undefined)
  assert.deepEqual([spawnd.spawn.instancesMin, spawnd.spawn.instancesMax], [2, 8])
  assert.deepEqual([spawnd.spawn.usersMin, spawnd.spawn.usersMax], [5, 0])
  assert.equal(spawnd.overload, 'queue')
})

test('loads all settings of a listener and a remote', () => {
  const { spawnd, tcprelay } = inSections(
    'listen { ::1 port = 22 overload backlog = 500 backlog = 200 }',
    'remote { address server.example:7 weight -3 }',
  )
  const [first, second] = spawnd.listeners
  assert.deepEqual(first?.bind, { kind: 'any', port: 1 })
  assert.deepEqual(second?.bind, {
    kind: 'address',
    address: { family: 'ipv6', host: '::1', scope: '', port: 22 },
  })
  assert.equal(second?.overloadBacklog, 200)
  assert.deepEqual(second?.position, { file: 'case', line: 1, column: 35 })
  const [, remote] = tcprelay.remotes
  assert.deepEqual(remote?.target, { kind: 'name', host: 'server.example', family: 'any', port: 7 })
  assert.deepEqual([remote?.weight, remote?.protocol], [1, 'TCP'])
})

test('a listener inherits settings of its section, in any order', () => {
  const { spawnd } = inSections(
    'listen { port = 2 tcp keepalive idle = 9 retry delay = 3 } tcp keepalive idle = 7 bind retry delay = 5 tcp keepalive = no',
  )
  assert.deepEqual(
    spawnd.listeners.map((listener) => listener.tcpKeepaliveIdleMs),
    [7_000, 9_000],
  )
  assert.deepEqual(
    spawnd.listeners.map((listener) => listener.bindRetryDelayMs),
    [5_000, 3_000],
  )
  assert.deepEqual(
    spawnd.listeners.map((listener) => listener.tcpKeepalive),
    [false, false],
  )
})

test('a section inherits settings of the top level', () => {
  const text =
    'syslog ident = all debug = NET id = spawnd { listen { port = 1 } debug ACL syslog ident = master } id = tcprelay { remote { 1.2.3.4:5 } } debug PROC'
  const { top, spawnd, tcprelay } = load(text)
  assert.deepEqual([top.syslogIdent, spawnd.syslogIdent, tcprelay.syslogIdent], ['all', 'master', 'all'])
  assert.deepEqual([top.debugMask, spawnd.debugMask, tcprelay.debugMask], [24_576, 25_088, 24_576])
})

test('caps minima at their maxima, and merges repeated spawn blocks', () => {
  const { spawnd } = inSections(
    'spawn { users min = 9 users max = 4 servers min = 5 } spawn { servers max = 3 }',
  )
  assert.deepEqual([spawnd.spawn.usersMin, spawnd.spawn.usersMax], [4, 4])
  assert.deepEqual([spawnd.spawn.instancesMin, spawnd.spawn.instancesMax], [3, 3])
})

test('the last of several values overrides the others', () => {
  assert.equal(inSections('', 'idle timeout = 5 idle timeout = 7').tcprelay.idleTimeoutMs, 7_000)
})

test('reads the child section that the file names, unless an option overrides it', () => {
  const text =
    'id = tcprelay { remote { 1.1.1.1:1 } } id = spawnd { listen { port = 1 } spawn { id = other } } id = other { remote { 2.2.2.2:2 } remote { 3.3.3.3:3 } }'
  const choice = { program: 'tcprelay', programPath: '/usr/bin/tcprelay.js' } as const
  const request = { file: 'case', ...fakeWorld({ case: text }), ...NOTHING }
  const configured = loadChosenConfiguration(request, choice)
  assert.equal(configured.tcprelay.remotes.length, 2)
  assert.deepEqual(configured.sections, { masterId: 'spawnd', childId: 'other' })
  const chosen = loadChosenConfiguration(request, { ...choice, childOption: 'tcprelay' })
  assert.equal(chosen.tcprelay.remotes.length, 1)
})

test('setenv changes the returned environment, not the argument', () => {
  const environment = new Map([['A', '1']])
  const loaded = load(
    `setenv A = 2 setenv B "\${A}" id = spawnd { listen { port = 1 } } id = tcprelay { remote { 1.2.3.4:5 } }`,
    { environment },
  )
  assert.deepEqual(
    [...loaded.environment],
    [
      ['A', '2'],
      ['B', '2'],
    ],
  )
  assert.deepEqual([...environment], [['A', '1']])
})

test('an unreadable file, a missing section, no listeners and no remotes have different codes', () => {
  const codes = (loaded: Configuration) => loaded.problems.map(({ code }) => code)
  assert.deepEqual(codes(load('', { file: 'missing' })), ['unreadable'])
  assert.deepEqual(codes(load('')), ['no-section', 'no-section'])
  assert.deepEqual(codes(load('id = spawnd { } id = tcprelay { }')), ['no-listeners', 'no-remotes'])
  assert.deepEqual(codes(load('id = tcprelay { remote { 1.2.3.4:5 } }', { masterId: undefined })), [])
})

test('rejects one section for both master and children', () => {
  const loaded = load('id = x { listen { port = 1 } }', { masterId: 'x', childId: 'x' })
  assert.deepEqual(messages(loaded), ["master and children cannot both read section 'x'"])
})

test('needs no listener and no port under inetd', () => {
  assert.deepEqual(
    messages(load('id = spawnd { } id = tcprelay { remote { 1.2.3.4:5 } }', { isInetd: true })),
    [],
  )
  const { spawnd } = load('id = spawnd { listen { } } id = tcprelay { remote { 1.2.3.4:5 } }', {
    isInetd: true,
  })
  assert.deepEqual(spawnd.listeners[0]?.bind, { kind: 'inherited', name: undefined })
})

test('reports a directive that this version does not support, with its position', () => {
  const { given } = inSections(
    'listen { address = 1.2.3.4 port = 2 tls psk = no type = SEQPACKET protocol = SCTP }',
    'remote { address = 1.2.3.4 port = 1 protocol = TCP }',
  )
  const found = unlandedProblems(given, new Set(['TLS']), false)
  assert.deepEqual(
    found.map(({ message, position }) => `${position.column} ${message}`),
    [
      "84 'type' needs SCTP, which this version does not have yet",
      "101 'protocol' needs SCTP, which this version does not have yet",
    ],
  )
  assert.deepEqual(unlandedProblems(given, new Set(['SCTP']), false), [])
})

test('accepts unsupported directives that are forwarded to children of another program', () => {
  const { given } = inSections(
    'spawn { exec = /x/foo } listen { port = 2 haproxy = yes tls = yes tls psk = yes } listen { port = 3 protocol = SCTP }',
  )
  const needed = (areForeign: boolean) =>
    unlandedProblems(given, new Set(), areForeign).map(({ message }) => /^'(.*)' needs/.exec(message)?.[1])
  assert.deepEqual(needed(false), ['tls', 'tls psk', 'protocol'])
  assert.deepEqual(needed(true), ['protocol'])
})

/** The master's file `case` and the children's file `child`, and the settings that were read. */
function loadApart(master: string, child: string, more: Record<string, string> = {}, listen = 'port = 1') {
  const { names, sources } = fakeWorld({
    case: `id = spawnd { listen { ${listen} } spawn { config = child ${master} } }`,
    child,
    ...more,
  })
  const request = { file: 'case', sources, names, ...NOTHING }
  const choice = { program: 'tcprelay', programPath: 'tcprelay' } as const
  return { loaded: loadChosenConfiguration(request, choice) }
}

test('reads a separate file of the children, with its own includes', () => {
  const { loaded } = loadApart('', 'include = more', {
    more: 'id = tcprelay { remote { 1.2.3.4:5 } idle timeout = 7 }',
  })
  assert.deepEqual(loaded.problems, [])
  assert.deepEqual(
    [loaded.childFile, loaded.sections],
    ['child', { masterId: 'spawnd', childId: 'tcprelay' }],
  )
  assert.deepEqual([loaded.tcprelay.idleTimeoutMs, loaded.spawnd.listeners.length], [7_000, 1])
  assert.deepEqual(
    loaded.given.map(({ name, position }) => `${position.file} ${name}`),
    ['case port', 'case config', 'more address', 'more idle timeout'],
  )
})

test('reports errors of both files', () => {
  const { loaded } = loadApart('wrong', 'id = tcprelay { remote { 1.2.3.4:5 } wrong }')
  assert.deepEqual(
    loaded.problems.map(({ position, severity }) => `${position.file} ${severity}`),
    ['case error', 'child error'],
  )
  const missing = loadApart('id = other', 'id = tcprelay { remote { 1.2.3.4:5 } }').loaded
  assert.deepEqual(messages(missing), ["there is no section 'other' for the relay"])
  assert.equal(missing.problems[0]?.position.file, 'child')
  const gone = loadApart('', '!EACCES').loaded
  assert.deepEqual(
    [messages(gone), gone.problems[0]?.code],
    [["cannot read '/here/child': permission denied"], 'unreadable'],
  )
})

test('a listener with TLS requires a certificate in the file of the children', () => {
  const relay = (more: string) => `id = tcprelay { remote { 1.2.3.4:5 } ${more} }`
  const found = (more: string) => messages(loadApart('', relay(more), {}, 'port = 1 tls = yes').loaded)
  assert.deepEqual(found(''), ['a listener with TLS needs a certificate'])
  assert.deepEqual(found('tls cert = /some/where/sample.pem'), [])
})

test('the environment of the master applies to the file of the children, not vice versa', () => {
  const { names, sources } = fakeWorld({
    case: 'setenv A = 1 id = spawnd { listen { port = 1 } spawn { config = child } }',
    child: `setenv B = 2 id = tcprelay { remote { "1.2.3.\${A}:5" } }`,
  })
  const loaded = loadChosenConfiguration(
    { file: 'case', sources, names, ...NOTHING },
    { program: 'tcprelay', programPath: 'tcprelay' },
  )
  assert.deepEqual([messages(loaded), [...loaded.environment]], [[], [['A', '1']]])
  assert.equal(loaded.tcprelay.remotes.length, 1)
})

test('does not read the file of children of another program', () => {
  const { loaded } = loadApart('exec = /x/foo', '!ENOENT')
  assert.deepEqual([messages(loaded), loaded.childFile], [[], undefined])
})

test('stops after 50 errors and reports the limit', () => {
  const found = messages(load(`id = spawnd {\n${'wrong\n'.repeat(60)}}`))
  assert.equal(found.length, 50)
  assert.match(found.at(-1) ?? '', /only the first 50 errors are shown/)
})

test('limits expansion of aliases and nesting of includes', () => {
  const doubling = Array.from({ length: 40 }, (_, i) => `alias a${i + 1} { a${i} a${i} }`).join(' ')
  assert.match(
    messages(load(`alias a0 { x x } ${doubling} id = spawnd { a40 }`)).at(-1) ?? '',
    /at most 100000 are allowed/,
  )
  const deep = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, `include f${i + 1}`]))
  assert.match(
    messages(loadConfiguration({ file: 'f0', ...fakeWorld(deep), ...IDS, ...NOTHING })).at(-1) ?? '',
    /at most 32 levels/,
  )
})

test('reads a file once for all passes', () => {
  const { sources, names } = fakeWorld({ case: 'id = tcprelay { remote { 1.2.3.4:5 } }' })
  let reads = 0
  const read = (path: string) => {
    reads++
    return sources.read(path)
  }
  const request = { file: 'case', names, ...NOTHING, sources: cachedSources({ ...sources, read }) }
  const passes = [1, 2].map(() => loadConfiguration({ ...request, ...IDS }))
  assert.deepEqual(passes[0], passes[1])
  assert.equal(reads, 1)
})

test('cuts long lines and keeps the marker below the position', () => {
  const text = `${' '.repeat(500)}wrong ${'x '.repeat(500)}`
  const { sources } = fakeWorld({ case: text })
  const problems = load(text).problems.filter(({ position }) => position.column > 1)
  const [, line = '', ruler = ''] = renderProblems(problems, sources).split('\n')
  assert.equal(line.indexOf('wrong'), ruler.indexOf('^'))
  assert.ok(line.length < 200)
})

test('replaces control characters from the file in messages', () => {
  const text = 'id = "spawnd\x07" { } \x1b[31mwrong\x07 = x'
  const { sources } = fakeWorld({ case: text })
  assert.doesNotMatch(renderProblems(load(text).problems, sources), /[\x1b\x07]/)
})

test('rejects a configuration above 16 MiB, including its includes', () => {
  const filler = `${'#'.repeat(99)}\n`.repeat(60_000)
  const includes = 'include a include b include c\n'
  const { names, sources } = fakeWorld({
    case: `${includes}id = spawnd { } id = tcprelay { }`,
    a: filler,
    b: filler,
    c: filler,
  })
  const request = { file: 'case', sources, names, environment: new Map(), isInetd: false }
  const { problems } = loadConfiguration({ ...request, masterId: 'spawnd', childId: 'tcprelay' })
  assert.deepEqual(
    problems.map(({ message, position, severity }) => [severity, position.column, message]),
    [['error', 29, 'the configuration with its includes is too large: at most 16 MiB are allowed']],
  )
})

test('reports too many listeners once, before memory is allocated for them', () => {
  const listen = 'listen { port = 1-65535 } '
  const { problems, spawnd } = load(
    `id = spawnd { ${listen.repeat(40)} } id = tcprelay { remote { 1.2.3.4:5 } }`,
  )
  assert.deepEqual(
    problems.map(({ message, position, severity }) => [severity, position.column, message]),
    [['error', 41, 'too many listening sockets: at most 65536 are allowed, one for each port']],
  )
  assert.equal(spawnd.listeners.length, 65_535)
})

test('limits the pairs of listeners and remotes with lists of ports', () => {
  const remote = 'remote { address = 1.2.3.4 port = 1-8192 } '
  const { problems } = load(
    `id = spawnd { listen { port = 1-8192 } } id = tcprelay { ${remote.repeat(513)} }`,
  )
  assert.deepEqual(
    problems.map(({ message }) => message),
    [
      'too many pairs of ports: 513 remotes with lists of ports × 8192 listening sockets, at most 4194304 pairs are allowed',
    ],
  )
})

test('checks sections that are not selected, except those of other programs', () => {
  const text = `id = spawnd { listen { port = 1 } } id = tcprelay { remote { 1.2.3.4:5 } }
id = master2 { listen { port = nowhere } }
id = relay2 {
  idle timeout = soon
  remote = { 1.2.3.4:5 weight = heavy }
}
id = radius { mavis module = remote { whatever = 1 } realm = x }`
  const request = { file: 'case', ...fakeWorld({ case: text }), ...NOTHING }
  const choice = { program: 'tcprelay', programPath: 'tcprelay' } as const
  const loaded = loadChosenConfiguration(request, choice)
  assert.deepEqual(
    loaded.problems.map(({ position, severity }) => `${severity} ${position.line}:${position.column}`),
    ['error 2:32', 'error 4:18', 'error 5:33'],
  )
  assert.deepEqual(
    loaded.others.map(({ id, kind }) => [id, kind]),
    [
      ['master2', 'master'],
      ['relay2', 'relay'],
    ],
  )
})
