import { Auth } from './auth.js'
import { Cache } from './cache.js'
import { ErrorModule } from './error.js'
import { External } from './external.js'
import { ExternalMt } from './external-mt.js'
import { Groups } from './groups.js'
import { Limit } from './limit.js'
import { Log } from './log.js'
import type { Module, ModuleServices } from './module.js'
import { Null } from './null.js'
import { Remote } from './remote.js'
import type { ModuleSettings } from './settings.js'
import { Tee } from './tee.js'

/** Creates the module that the settings describe. */
export function openModule(settings: ModuleSettings, services: ModuleServices): Module {
  // Modules without processes, files or sockets ignore the services.
  switch (settings.module) {
    case 'auth':
      return new Auth(settings)
    case 'cache':
      return new Cache(settings, services)
    case 'error':
      return new ErrorModule(settings, services)
    case 'groups':
      return new Groups(settings, services)
    case 'limit':
      return new Limit(settings, services)
    case 'log':
      return new Log(settings, services)
    case 'null':
      return new Null()
    case 'tee':
      return new Tee(settings, services)
    case 'external':
      return new External(settings, services)
    case 'external-mt':
      return new ExternalMt(settings, services)
    case 'remote':
      return new Remote(settings, services)
  }
}
