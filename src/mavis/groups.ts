import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { GroupFile } from './group-file.js'
import { matchPattern } from './match-pattern.js'
import { FINAL, type Module, type ModuleServices, type Query } from './module.js'
import type { GroupsSettings, IdFilter, NameFilter } from './settings.js'

const GROUP_PATH = '/etc/group'

/** Puts the names of groups for their numbers into an answer, and takes out those that are not wanted. */
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

  /** Undefined: there is no such group, or it is not wanted. */
  #nameOf(digits: string, ids: readonly IdFilter[], names: readonly NameFilter[]): ByteString | undefined {
    const id = Number(digits)
    const isWanted = passes(ids, ({ from, to }) => from <= id && id <= to)
    const name = isWanted ? this.#file.names().get(id) : undefined
    return name !== undefined && passesByName(names, name) ? name : undefined
  }
}

/** What is left of `admins,"all staff",guests`; undefined: nothing. */
function filtered(list: ByteString | undefined, filters: readonly NameFilter[]): ByteString | undefined {
  if (list === undefined || filters.length === 0) return list
  const names = list.match(/"[^"]*"|[^",]+/g) ?? []
  const kept = names.filter((name) => passesByName(filters, name.replace(/^"(.*)"$/s, '$1')))
  return kept.length === 0 ? undefined : kept.join(',')
}

function passesByName(filters: readonly NameFilter[], name: ByteString): boolean {
  return passes(filters, ({ pattern }) => matchPattern(pattern, name) !== undefined)
}

/** Nothing that is negated may match, and one of the others has to, if there are any. */
function passes<Filter extends { readonly isNegated: boolean }>(
  filters: readonly Filter[],
  matches: (filter: Filter) => boolean,
): boolean {
  const wanted = filters.filter(({ isNegated }) => !isNegated)
  if (filters.some((filter) => filter.isNegated && matches(filter))) return false
  return wanted.length === 0 || wanted.some(matches)
}
