/** Module `groups`: converts group numbers in answers into names, and filters group lists. */
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { GroupFile } from './group-file.js'
import { matchPattern } from './match-pattern.js'
import { FINAL, type Module, type ModuleServices, type Query } from './module.js'
import type { GroupsSettings, IdFilter, NameFilter } from './settings.js'

const GROUP_PATH = '/etc/group'

export class Groups implements Module {
  readonly #settings: GroupsSettings
  readonly #file: GroupFile

  constructor(settings: GroupsSettings, services: ModuleServices, path = GROUP_PATH) {
    this.#settings = settings
    this.#file = new GroupFile(path, () => services.nowMs())
  }

  review({ values }: Query): typeof FINAL {
    const settings = this.#settings
    const [gid, gids] = [values[AV.GID], values[AV.GIDS]]
    if (settings.resolveGid && gid !== undefined) {
      const name = /^\d+$/.test(gid) ? this.#nameOf(gid, settings.gidFilter, settings.groupFilter) : undefined
      // Undefined removes what was there: a helper must not supply a name for a number that is filtered out.
      values[settings.gidAttribute] = name
    }
    if (settings.resolveGids && gids !== undefined) {
      const names = (gids.match(/\d+/g) ?? []).flatMap(
        (digits) => this.#nameOf(digits, settings.gidsFilter, settings.groupsFilter) ?? [],
      )
      values[settings.gidsAttribute] = names.length === 0 ? undefined : names.join(',')
    }
    values[AV.TACMEMBER] = filtered(values[AV.TACMEMBER], settings.groupsFilter)
    values[AV.MEMBEROF] = filtered(values[AV.MEMBEROF], settings.memberOfFilter)
    return FINAL
  }

  /** Undefined when the group does not exist or is filtered out. */
  #nameOf(digits: string, ids: readonly IdFilter[], names: readonly NameFilter[]): ByteString | undefined {
    const id = Number(digits)
    const isWanted = passes(ids, ({ from, to }) => from <= id && id <= to)
    const name = isWanted ? this.#file.names().get(id) : undefined
    return name !== undefined && passesByName(names, name) ? name : undefined
  }
}

/** A list such as `admins,"all staff",guests`, filtered; undefined when nothing is left. */
function filtered(list: ByteString | undefined, filters: readonly NameFilter[]): ByteString | undefined {
  if (list === undefined || filters.length === 0) return list
  // Quoted names may contain commas; the quotes are kept.
  const names = list.match(/"[^"]*"|[^",]+/g) ?? []
  const kept = names.filter((name) => passesByName(filters, name.replace(/^"(.*)"$/s, '$1')))
  return kept.length === 0 ? undefined : kept.join(',')
}

function passesByName(filters: readonly NameFilter[], name: ByteString): boolean {
  return passes(filters, ({ pattern }) => matchPattern(pattern, name) !== undefined)
}

/** No negated filter may match, and one of the others must, if there are any. */
function passes<Filter extends { readonly isNegated: boolean }>(
  filters: readonly Filter[],
  matches: (filter: Filter) => boolean,
): boolean {
  const required = filters.filter(({ isNegated }) => !isNegated)
  if (filters.some((filter) => filter.isNegated && matches(filter))) return false
  return required.length === 0 || required.some(matches)
}
