/** Keeps plans of large configurations small: values that are not given take no space in them. */

/** Without the keys whose values are undefined. */
export function definedOf<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const key in values) {
    const value = values[key]
    if (value !== undefined) given[key] = value as Exclude<T[typeof key], undefined>
  }
  return given
}
