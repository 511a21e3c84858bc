import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { FakeServices, type Named, PLAIN_GROUPS, queryOf, throughModule } from '../../test/support/mavis.js'
import { AV } from '../base/mavis-attributes.js'
import { GroupFile } from './group-file.js'
import { Groups } from './groups.js'
import type { GroupsSettings } from './settings.js'

const FILE = 'root:x:0:\nstaff:x:50:joe,tom\nother:x:50:\nj\u00c3\u00b6:x:60:\nbad:x:y:\n\nusers:x:100:\n'

function groupFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcprelay-groups-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'group')
  writeFileSync(path, FILE, 'latin1')
  return path
}

function answerOf(t: TestContext, settings: Partial<GroupsSettings>, below: Named): Named {
  const groups = new Groups({ ...PLAIN_GROUPS, ...settings }, new FakeServices(), groupFile(t))
  return throughModule(groups, queryOf(), below).values
}

const ids = (from: number, to: number, isNegated = false) => ({ from, to, isNegated })
const names = (pattern: RegExp, isNegated = false) => ({ pattern, isNegated })

test('changes nothing without settings', (t) => {
  const below = { GID: '50', GIDS: '50,100', TACMEMBER: 'a,b', MEMBEROF: '"CN=a"' }
  const { GID, GIDS, MEMBEROF, TACMEMBER } = answerOf(t, {}, below)
  assert.deepEqual({ GID, GIDS, TACMEMBER, MEMBEROF }, below)
})

test('replaces a group number by its name or removes it', (t) => {
  const gid = (GID: string, settings: Partial<GroupsSettings> = {}) =>
    answerOf(t, { resolveGid: true, ...settings }, { GID }).GID
  assert.equal(gid('50'), 'staff')
  assert.equal(gid('60'), 'j\u00c3\u00b6')
  assert.equal(gid('51'), undefined)
  assert.equal(gid('staff'), undefined)
  assert.equal(gid('50', { gidFilter: [ids(1, 49), ids(60, 99)] }), undefined)
  assert.equal(gid('60', { gidFilter: [ids(1, 49), ids(60, 99)] }), 'j\u00c3\u00b6')
  assert.equal(gid('0', { gidFilter: [ids(0, 9, true)] }), undefined)
  assert.equal(gid('50', { groupFilter: [names(/^STAFF$/i)] }), 'staff')
  assert.equal(gid('50', { groupFilter: [names(/^s/, true)] }), undefined)
})

test('stores names in the configured attributes', (t) => {
  const settings = {
    resolveGid: true,
    resolveGids: true,
    gidAttribute: AV.CUSTOM_0,
    gidsAttribute: AV.TACMEMBER,
  }
  const { CUSTOM_0, GID, GIDS, TACMEMBER } = answerOf(t, settings, { GID: '100', GIDS: '50,100' })
  assert.deepEqual([CUSTOM_0, GID, GIDS, TACMEMBER], ['users', '100', '50,100', 'staff,users'])
})

test('drops numbers without a name or that are filtered out', (t) => {
  const gids = (GIDS: string, settings: Partial<GroupsSettings> = {}) =>
    answerOf(t, { resolveGids: true, ...settings }, { GIDS }).GIDS
  assert.equal(gids('0,50 51;100'), 'root,staff,users')
  assert.equal(gids('51,x'), undefined)
  assert.equal(gids('0,50,100', { gidsFilter: [ids(1, 99)] }), 'staff')
  assert.equal(gids('0,50,100', { gidsFilter: [ids(0, 0, true)], groupsFilter: [names(/s$/)] }), 'users')
})

test('filters group names, quoted or not', (t) => {
  const { MEMBEROF, TACMEMBER } = answerOf(
    t,
    {
      groupsFilter: [names(/^(admins|all staff)$/)],
      memberOfFilter: [names(/^CN=tacacs_/i), names(/,OU=old/, true)],
    },
    {
      TACMEMBER: 'admins,guests,"all staff"',
      MEMBEROF: '"cn=tacacs_a,OU=x","CN=b","CN=tacacs_c,OU=old"',
    },
  )
  assert.deepEqual([TACMEMBER, MEMBEROF], ['admins,"all staff"', '"cn=tacacs_a,OU=x"'])
  assert.equal(answerOf(t, { groupsFilter: [names(/z/)] }, { TACMEMBER: 'a' }).TACMEMBER, undefined)
})

test('rereads a changed file', (t) => {
  const path = groupFile(t)
  const services = new FakeServices()
  const groups = new Groups({ ...PLAIN_GROUPS, resolveGid: true }, services, path)
  const gid = () => throughModule(groups, queryOf(), { GID: '50' }).values.GID
  assert.equal(gid(), 'staff')
  writeFileSync(path, 'people:x:50:\n')
  assert.equal(gid(), 'staff', 'checked once a second')
  services.ms += 1_000
  assert.equal(gid(), 'people')
  rmSync(path)
  services.ms += 1_000
  assert.throws(gid, /ENOENT/)
  writeFileSync(path, '')
  assert.equal(gid(), undefined)
})

test("reads this system's /etc/group", () => {
  const groups = new Groups({ ...PLAIN_GROUPS, resolveGid: true }, new FakeServices())
  assert.equal(throughModule(groups, queryOf(), { GID: '0' }).values.GID, 'root')
})

test('survives any contents of the group file', (t) => {
  const path = groupFile(t)
  const line = fc
    .tuple(fc.string(), fc.constantFrom(':', '', '::', '\0'), fc.nat())
    .map((parts) => parts.join(':x:'))
  const text = fc.oneof(
    fc.uint8Array(),
    fc.array(line).map((lines) => Buffer.from(lines.join('\n'))),
  )
  fc.assert(
    fc.property(text, (bytes) => {
      writeFileSync(path, bytes)
      for (const [number, name] of new GroupFile(path, () => 0).names())
        assert.ok(Number.isInteger(number) && name !== '' && !/[:\n]/.test(name))
    }),
    { numRuns: 200 },
  )
})
