/** Decisions of the router. */
import type { RouteFacts } from '../../src/admission/route-facts.js'
import type { RouteConditions } from '../../src/admission/route-plan.js'
import { Router } from '../../src/admission/router.js'
import { factsOf } from '../../test/support/route-facts.js'
import type { MicroCase } from './micro-case.js'

const ROUTES = [1, 1_000, 10_000]
/** Each has its own server name. */
const CLIENTS = 64

/** Every route has one of the names. Clients differ, and each matches one route. */
function routing(name: string, conditionsOf: (route: string) => RouteConditions, sent: string): MicroCase {
  return {
    name,
    sizes: ROUTES,
    isFlat: false,
    prepare(size) {
      const names = Array.from({ length: size }, (_, i) => `n${i}.example`)
      const router = new Router(
        names.map((one, pool) => ({ conditions: conditionsOf(one), target: { kind: 'pool', pool } })),
        undefined,
      )
      const clients = Array.from({ length: CLIENTS }, (_, i) => {
        return factsOf({ serverName: sent + (names[Math.floor((i * size) / CLIENTS)] as string) })
      })
      return (times) => {
        for (let i = 0; i < times; i++) {
          if (router.route(clients[i % CLIENTS] as RouteFacts, i) < 0)
            throw new Error('every client has a route')
        }
      }
    },
  }
}

export const ROUTE_CASES: readonly MicroCase[] = [
  routing('route: by server name, routes', (one) => ({ serverNames: [one] }), ''),
  routing('route: by wildcard, routes', (one) => ({ serverNames: [`*.${one}`] }), 'www.'),
]
