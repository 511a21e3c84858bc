/** The limits of single listeners (`max connections`) in a master that accepts for its children. */
import { countIn } from '../observe/counters.js'
import type { ListenerPlaces, ListenerWithLimit } from './listener-places.js'

/** A listener with a limit, from one configuration to the next. */
export interface LimitedSessions {
  /** Of the listener. */
  readonly name: string
  max: number
  countersSlot: number
  /** Sessions of its clients: in children, and on their way there. */
  taken: number
}

/** The clients of one listener that were sent to one child. */
interface Sent {
  /** Those whose end the child has not reported. */
  open: number
  /** What the child had reported so far. */
  ended: number
}

/** The children's reports (`listenersEnded` in the cells); any child may have written any value. */
export type EndedOf = (childSlot: number) => Float64Array

/**
 * The master takes the places. DONE does not say whose clients have ended, so children count that by listener in the
 * cells; what a child that dies has not reported is given back then.
 */
export class BrokerPlaces implements ListenerPlaces {
  /** By slot of the listener; undefined: it is not limited. */
  #limited: readonly (LimitedSessions | undefined)[] = []
  #endedOf: EndedOf = () => NONE_ENDED
  /** By slot of the child. */
  readonly #sent = new Map<number, Map<LimitedSessions, Sent>>()
  /** By slot of the child: its reports, because a view of shared memory is expensive to make. */
  readonly #reports = new Map<number, Float64Array>()

  /** Puts the listeners of a configuration in force; those of the same name go on with their sessions. */
  replace(listeners: readonly (ListenerWithLimit & { readonly name: string })[], endedOf: EndedOf): void {
    const before = this.#limited
    this.#endedOf = endedOf
    this.#reports.clear()
    this.#limited = listeners.map(({ countersSlot, maxConnections: max, name }) => {
      if (max === Number.POSITIVE_INFINITY) return undefined
      const known = before.find((limited) => limited?.name === name)
      return Object.assign(known ?? { name, taken: 0 }, { countersSlot, max })
    })
  }

  take(slot: number): boolean {
    const limited = this.#limited[slot]
    if (limited === undefined) return true
    if (limited.taken >= limited.max) return false
    limited.taken++
    return true
  }

  giveBack(slot: number): boolean {
    const limited = this.#limited[slot]
    return limited !== undefined && limited.taken-- >= limited.max
  }

  hasRoom(slot: number): boolean {
    const limited = this.#limited[slot]
    return limited === undefined || limited.taken < limited.max
  }

  /** Where a client of a listener counts; undefined: the listener has no limit. */
  of(slot: number): LimitedSessions | undefined {
    return this.#limited[slot]
  }

  /** A client was sent to a child. */
  onSent(childSlot: number, limited: LimitedSessions): void {
    const ofChild = this.#sent.get(childSlot) ?? new Map<LimitedSessions, Sent>()
    this.#sent.set(childSlot, ofChild)
    const sent = ofChild.get(limited) ?? { open: 0, ended: 0 }
    ofChild.set(limited, sent)
    sent.open++
  }

  /** A child has reported ends. */
  onDone(childSlot: number): void {
    const ofChild = this.#sent.get(childSlot)
    if (ofChild === undefined) return
    const report = this.#reports.get(childSlot) ?? this.#endedOf(childSlot)
    this.#reports.set(childSlot, report)
    for (const [limited, sent] of ofChild) {
      const ended = countIn(report, limited.countersSlot)
      const news = Math.min(Math.max(0, ended - sent.ended), sent.open)
      sent.ended += news
      sent.open -= news
      limited.taken -= news
    }
  }

  /** The process of a child has ended, and with it all its sessions. */
  onGone(childSlot: number): void {
    for (const [limited, { open }] of this.#sent.get(childSlot) ?? []) limited.taken -= open
    this.#sent.delete(childSlot)
    this.#reports.delete(childSlot)
  }
}

const NONE_ENDED = new Float64Array()
