/** The keys of a prefix in etcd, each with the member that its value names. */
import { bigNumberAt, bytesAt, expected, objectAt, parseJson, shownText } from '../json-fields.js'
import { MEMBERS_MAX, NAME_LENGTH_MAX, readMember } from '../json-members.js'
import type { FoundMember } from '../source.js'
import { SourceFailure } from '../source-failure.js'

interface KeyValue {
  readonly key: string
  readonly value: string
  /** Of the change that has written the value. */
  readonly revision: bigint
}

export class EtcdKeys {
  readonly #prefix: string
  #members = new Map<string, FoundMember>()
  /** Keys with values that cannot be read, with the reasons. */
  readonly #unreadable = new Map<string, string>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  get members(): readonly FoundMember[] {
    return [...this.#members.values()]
  }

  /** What of the keys cannot be read. */
  get lack(): string | undefined {
    const [first, ...others] = this.#unreadable.values()
    return others.length === 0 ? first : `${first}; and ${others.length} more`
  }

  /** All keys: those that are not listed are gone. */
  replace(list: readonly unknown[]): void {
    if (list.length > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} keys`)
    const read = list.map((item, i) => this.#keyValueAt(item, `kvs[${i}]`))
    const before = this.#members
    this.#members = new Map()
    this.#unreadable.clear()
    for (const item of read) this.#put(item, before.get(item.key))
  }

  /** An event of a watch. Returns the revision of the change. */
  apply(event: unknown): bigint {
    const { kv, type = 'PUT' } = objectAt(event, 'an event')
    const item = this.#keyValueAt(kv, 'kv')
    if (type === 'PUT') this.#put(item, this.#members.get(item.key))
    else if (type === 'DELETE') {
      this.#members.delete(item.key)
      this.#unreadable.delete(item.key)
    } else throw new SourceFailure('an event of another type than PUT and DELETE')
    if (this.#members.size > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} keys`)
    return item.revision
  }

  #keyValueAt(item: unknown, place: string): KeyValue {
    const { key, mod_revision: revision, value } = objectAt(item, place)
    const name = bytesAt(key, `${place}.key`).toString('utf8')
    if (!name.startsWith(this.#prefix)) throw expected(`${place}.key`, 'a key with the prefix', name)
    return {
      key: name,
      value: bytesAt(value, `${place}.value`).toString('utf8'),
      revision: bigNumberAt(revision, `${place}.mod_revision`),
    }
  }

  /** `before`: what the key has been, which it stays if its value cannot be read. */
  #put({ key, value }: KeyValue, before: FoundMember | undefined): void {
    try {
      this.#members.set(key, memberOf(key, value, this.#prefix))
      this.#unreadable.delete(key)
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error
      if (before !== undefined) this.#members.set(key, before)
      const fate = before === undefined ? 'left out' : 'kept as it was'
      this.#unreadable.set(key, `${error.message}; the key is ${fate}`)
    }
  }
}

/** Its name is what follows the prefix in the key: unique, and the same as long as the key is there. */
function memberOf(key: string, value: string, prefix: string): FoundMember {
  const name = key.slice(prefix.length)
  const place = `key ${shownText(key)}`
  if (name.length > NAME_LENGTH_MAX)
    throw new SourceFailure(`${place}: a name of more than ${NAME_LENGTH_MAX} characters`)
  const text = value.trim()
  const read = text.startsWith('{') || text.startsWith('"') ? parseJson(text, `${place}: its value`) : text
  return readMember(read, place, name === '' ? key : name)
}
