import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Visitors } from '../harness/load.js'
import { Policy } from '../harness/mavis.js'
import type { Mode } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { Relay, relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'

const PER_SECOND = 1_000
const HELPERS = 4

/** The number of clients before each reload and after the last one. */
export function mavisLoadTests(modes: readonly Mode[], visitsBetween: number): void {
  for (const { name: mode, start, textOf } of modes) {
    test(`${mode}: asks once about each of 1,000 clients per second during reloads`, async (t) => {
      if (!needs(t, 'python3')) return
      const policies = [1, 2, 3].map(() => new Policy(t, { '127.0.0.1': 'ACK' }))
      const plan = relayTo(await remoteThat(echoes).start(t))
        // All open clients fit: an overflowing accept queue loses clients and creates connections that no client has.
        .listeningOn('address = 127.0.0.1 port = 0 overload backlog = 4096')
        // Under load answers may be late, which must not cause refusals.
        .with('mavis authorization = host', 'mavis timeout = 60')
      const [first, ...further] = policies.map((policy) => plan.with(policy.module(HELPERS)))
      assert.ok(first)
      const running = await start(t, first)
      const visitors = new Visitors(t, running.port(), PER_SECOND)
      await visitors.serveMore(visitsBetween)
      for (const [i, next] of further.entries()) {
        await reload(running, textOf(next), IN_FORCE, i + 1)
        await visitors.serveMore(visitsBetween)
      }
      await visitors.stop()
      if (running instanceof Relay) await running.hasHelpers(HELPERS)
      assert.deepEqual(visitors.failed.slice(0, 3), [], 'no client fails')
      const asked = policies.flatMap((policy) => policy.asked)
      const serials = asked.map(([, serial]) => serial)
      const again = serials.filter((serial, i) => serials.indexOf(serial) !== i)
      assert.deepEqual(again, [], 'no query was sent twice')
      assert.equal(serials.length, visitors.visits.length)
      for (const policy of policies) assert.ok(policy.asked.length > 0, 'each configuration was asked')
      const last = visitors.visits.at(-1)?.overMs ?? 0
      const seconds = (last - (visitors.visits[0]?.startedMs ?? 0)) / 1_000
      t.diagnostic(`${visitors.visits.length} clients in ${seconds.toFixed(1)} s`)
    })
  }
}
