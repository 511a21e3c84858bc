import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Served, servingLine } from './serving-line.js'

type Loaded = Served['loaded']

function served(
  bound: readonly string[],
  remotes: number,
  spawn: Partial<Loaded['spawnd']['spawn']> = {},
  names = bound,
): Served {
  const own = { accept: 'broker', exec: undefined, instancesMin: 8, instancesMax: 8 }
  const remote = (i: number) => ({
    ports: 'own',
    sctp: undefined,
    target: { kind: 'name', host: `r${i}`, port: 80 },
  })
  const loaded = {
    mechanism: 'epoll',
    spawnd: { spawn: { ...own, ...spawn } },
    tcprelay: { pools: [], remotes: Array.from({ length: remotes }, (_, i) => remote(i)) },
  }
  return { listeners: { names, boundNames: bound }, loaded: loaded as unknown as Loaded }
}

test('says file, listeners, remotes, children and mechanism', () => {
  assert.equal(
    servingLine('x.cfg', served(['a:1', 'b:2'], 1), true),
    'x.cfg: 2 listeners (a:1, b:2), 1 remote (r0:80), 8 children, epoll',
  )
  assert.equal(
    servingLine('x.cfg', served(['a:1'], 5, { instancesMin: 1, accept: 'direct' }), true),
    'x.cfg: 1 listener (a:1), 5 remotes, 1 to 8 children that accept, epoll',
  )
})

test('says what is missing, and what others do', () => {
  assert.equal(
    servingLine('x.cfg', served(['a:1'], 1, {}, ['a:1', 'b:2']), false),
    'x.cfg: 1 listener (a:1), 1 not bound yet, 1 remote (r0:80), a single process, epoll',
  )
  assert.equal(
    servingLine('x.cfg', served([], 2), false),
    'x.cfg: clients of another master, 2 remotes (r0:80, r1:80), a single process, epoll',
  )
  assert.equal(
    servingLine('x.cfg', served(['a:1'], 0, { exec: '/bin/x', instancesMin: 1, instancesMax: 1 }), true),
    'x.cfg: 1 listener (a:1), 1 child of /bin/x, epoll',
  )
})

test('says where members come from, and does not count their slots', () => {
  const { listeners, loaded } = served(['a:1'], 1)
  const member = {
    target: { kind: 'discovered', index: 0 },
  } as unknown as Loaded['tcprelay']['remotes'][number]
  const pools = [{ name: 'web', discover: { type: 'srv' } }] as unknown as Loaded['tcprelay']['pools']
  const lineWith = (remotes: Loaded['tcprelay']['remotes']) =>
    servingLine(
      'x.cfg',
      { listeners, loaded: { ...loaded, tcprelay: { ...loaded.tcprelay, pools, remotes } } },
      false,
    )
  assert.equal(
    lineWith([...loaded.tcprelay.remotes, member, member]),
    'x.cfg: 1 listener (a:1), 1 remote (r0:80), members by discovery (web: srv), a single process, epoll',
  )
  assert.equal(
    lineWith([member]),
    'x.cfg: 1 listener (a:1), members by discovery (web: srv), a single process, epoll',
  )
})
