import { createRequire, syncBuiltinESMExports } from 'node:module'

/** Loaded before the program by `--import`: the query of the module's URL is the address of its only name server. */
const server = new URL(import.meta.url).search.slice(1)

const promises: typeof import('node:dns/promises') = createRequire(import.meta.url)('node:dns/promises')

class Resolver extends promises.Resolver {
  constructor(options?: ConstructorParameters<typeof promises.Resolver>[0]) {
    super(options)
    this.setServers([server])
  }
}

Object.assign(promises, { Resolver })
syncBuiltinESMExports()
